/** Our own posts and other bots' never become messages of a contact. */
import { describe, expect, it } from "vitest";
import {
  CONNECTION,
  eventBody,
  fixture,
  jsonWebhook,
  messageOf,
  readingOf,
  textBody,
} from "./webhooks.ts";

const read = (name: string) => readingOf(jsonWebhook(fixture(name)));

describe("echoes", () => {
  const ignoredAs = (event: Record<string, unknown>, connection = CONNECTION) =>
    readingOf(jsonWebhook(textBody("x", event)), connection).ignored;
  const bare = { ...CONNECTION, appId: undefined, botUserId: undefined, botId: undefined };

  it("ignores our own posts and those of other bots, by different names", () => {
    expect(read("own-bot-post").ignored).toEqual([{ type: "own_echo" }]);
    expect(read("other-bot-post").ignored).toEqual([{ type: "bot_message" }]);
    expect(read("own-bot-post").messages).toEqual([]);
  });

  it("knows itself by user, bot, app and authorization", () => {
    expect(ignoredAs({ user: "U0BOT" })).toEqual([{ type: "own_echo" }]);
    expect(ignoredAs({ user: "U0X", bot_id: "B0HUB" })).toEqual([{ type: "own_echo" }]);
    expect(ignoredAs({ user: "U0X", bot_id: "B0X", app_id: "A0HUB" }, bare)).toEqual([
      { type: "own_echo" },
    ]);
    const authorizations = [{ team_id: "T0ACME", user_id: "U0SELF", is_bot: true }];
    const body = eventBody(
      { type: "message", user: "U0SELF", ts: "1763700000.1", channel: "C0", text: "x" },
      { authorizations },
    );
    expect(readingOf(jsonWebhook(body), bare).ignored).toEqual([{ type: "own_echo" }]);
  });

  it("does not take a person's typed message for an echo of an authorization", () => {
    const authorizations = [{ team_id: "T0ACME", user_id: "U0ANA", is_bot: true }];
    const event = { ...(textBody("x").event as object), client_msg_id: "id" };
    expect(messageOf(jsonWebhook(eventBody(event, { authorizations })), bare).sender.id).toBe(
      "U0ANA",
    );
  });

  it("takes a classic bot message without user as another bot's", () => {
    const event = { user: undefined, subtype: "bot_message", bot_id: "B0OLD" };
    expect(ignoredAs(event)).toEqual([{ type: "bot_message" }]);
  });

  it("takes Slackbot for a bot, though it has no bot id", () => {
    expect(ignoredAs({ user: "USLACKBOT" })).toEqual([{ type: "bot_message" }]);
  });

  it("ignores edits and deletions of bot posts, ours included", () => {
    const own = { user: "U0BOT", bot_id: "B0HUB", ts: "1763700000.0001", text: "b" };
    const changed = { subtype: "message_changed", message: own, previous_message: { text: "a" } };
    expect(ignoredAs(changed)).toEqual([{ type: "own_echo" }]);
    const deleted = {
      subtype: "message_deleted",
      deleted_ts: own.ts,
      previous_message: { bot_id: "B0X" },
    };
    expect(ignoredAs(deleted)).toEqual([{ type: "bot_message" }]);
  });
});
