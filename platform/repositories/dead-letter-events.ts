/** What is told of dead letters: statements for the batch that changes one. Ids and codes alone, in order per letter. */
import { carried, chainDepth } from "../../domain/events/chain.ts";
import { type HubEvent, hubEnvelope } from "../../domain/events/hub-event.ts";
import { outboxInsert, outboxInsertWhere, SQL_NOW_MS } from "../outbox.ts";
import type { Burial, EventBurial } from "./dead-letters.ts";

/** Right behind the insert of a letter: a row that was there already tells nothing. */
export function tellCreated(db: D1Database, burial: Burial): D1PreparedStatement {
  const { tenant, id, stage, reason, connection, conversation, messageId, createdAtMs } = burial;
  const event: HubEvent = {
    type: "dead_letter.created",
    subject: id,
    connection,
    data: {
      dead_letter: id,
      stage,
      reason,
      connection,
      ...(conversation === undefined ? {} : { conversation }),
      ...(messageId === undefined ? {} : { message: messageId }),
    },
  };
  return outboxInsert(db, tenant, event, createdAtMs, "if_changed");
}

/** Right behind the update that moves a letter. */
export function tellMoved(
  db: D1Database,
  tenant: string,
  id: string,
  to: "replayed" | "discarded",
): D1PreparedStatement {
  const event: HubEvent = { type: `dead_letter.${to}`, subject: id, data: { dead_letter: id } };
  return outboxInsertWhere(db, tenant, event, Date.now(), {
    from: "dead_letters",
    column: "stage",
    id,
  });
}

/**
 * Before the insert of letters of events. A letter of an event about letters tells nothing: whoever fails to take
 * those would otherwise be told of that, and fail again, for ever.
 */
export function tellEventLetters(
  db: D1Database,
  burials: readonly EventBurial[],
): D1PreparedStatement {
  const told = burials
    .filter(({ letter }) => !letter.event.event_type.startsWith("dead_letter."))
    .map(eventRow);
  return db
    .prepare(
      `INSERT OR IGNORE INTO outbox (tenant_id, id, body, created_at)
       SELECT j.value ->> 0, j.value ->> 2, j.value ->> 3, ${SQL_NOW_MS} FROM json_each(?) AS j
       WHERE NOT EXISTS (SELECT 1 FROM dead_letters WHERE tenant_id = j.value ->> 0 AND id = j.value ->> 1)`,
    )
    .bind(JSON.stringify(told));
}

/** Tenant, letter, event and its body. The event's id follows from the letter's: said twice, it is told once. */
function eventRow(burial: EventBurial): readonly string[] {
  const { tenant, id, subscription, reason, letter, createdAtMs } = burial;
  const event: HubEvent = {
    type: "dead_letter.created",
    subject: id,
    causation: letter.event.event_id,
    // As deep as the event: whoever listens to letters goes on with its chain.
    ...carried(chainDepth(letter.event)),
    data: {
      dead_letter: id,
      stage: "event",
      reason,
      subscription,
      event: letter.event.event_id,
      event_type: letter.event.event_type,
    },
  };
  const eventId = id.replace(/^dl_/, "evt_");
  return [tenant, id, eventId, JSON.stringify(hubEnvelope(tenant, event, eventId, createdAtMs))];
}
