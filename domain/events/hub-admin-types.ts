/** Types of what is administered: ids, codes and names of changed members; never secrets, never a person's number or name. */
import { changed, flag, hubType, instant, listOf, objectOf, oneOf, text } from "./hub-schemas.ts";

const conversation = { conversation: text, connection: text };
const connection = { connection: text, channel: oneOf("whatsapp", "slack", "discord") };

export const ADMIN_EVENT_TYPES = [
  hubType(
    "conversation.paused",
    "A person has taken a conversation over",
    objectOf({ ...conversation, until: instant }),
  ),
  hubType(
    "conversation.resumed",
    "A conversation was given back to the bot",
    objectOf(conversation),
  ),
  hubType(
    "conversation.settings_changed",
    "A conversation's own route or policy changed; `set` names what it has of its own now",
    objectOf({ ...conversation, set: listOf(oneOf("route", "policy")) }),
  ),
  hubType(
    "connection.created",
    "A connection was added",
    objectOf({ ...connection, active: flag }),
  ),
  hubType(
    "connection.updated",
    "A connection was changed",
    objectOf({ ...connection, active: flag, changed }),
  ),
  hubType("connection.deleted", "A connection was removed", objectOf(connection)),
  hubType(
    "connection.state_changed",
    "The platform says something new of a connection: open, closed, revoked …",
    objectOf({ ...connection, state: text }),
  ),
  hubType("tenant.created", "The tenant was added", objectOf({ tenant: text, active: flag })),
  hubType(
    "tenant.updated",
    "The tenant was changed",
    objectOf({ tenant: text, active: flag, changed }),
  ),
  hubType(
    "api_key.created",
    "An API key was made",
    objectOf({ key: text, scopes: listOf(text) }, { expires_at: instant }),
  ),
  hubType("api_key.revoked", "An API key was revoked for good", objectOf({ key: text })),
  hubType(
    "access_rule.created",
    "A sender, or all but some, was let in or blocked",
    objectOf({ rule: text, effect: text }, { connection: text }),
  ),
  hubType(
    "access_rule.updated",
    "An access rule was changed",
    objectOf({ rule: text, effect: text, changed }, { connection: text }),
  ),
  hubType("access_rule.deleted", "An access rule was removed", objectOf({ rule: text })),
] as const;
