/** Dead letters in D1: the projection operators query and replay from. Every query binds a tenant. */
import type { EventLetter } from "../../domain/events/replay/letter.ts";
import type { AttemptNote, DeadItem } from "../../schema/conversation.ts";
import type { EventEnvelope } from "../../schema/event.ts";
import { writeTelling } from "../outbox.ts";
import { tellCreated, tellMoved } from "./dead-letter-events.ts";

/** How long a dead letter can be queried and replayed (guarantee G5). */
const DEAD_LETTER_TTL_MS = 7 * 24 * 3_600_000;
/** Whoever has taken a letter to replay it has done so within this, in ms, or somebody else may. */
export const CLAIM_MS = 60_000;
/** Characters of rows in one statement: D1 takes 2 MB per bound value (D1 limits). */
const STATEMENT_CHARS_MAX = 1_000_000;

export type DeadLetterStage = "quarantine" | "turn" | "send" | "event";
type DeadLetterState = "dead" | "replaying" | "replayed" | "discarded";

export interface DeadLetterRow {
  readonly tenant_id: string;
  readonly id: string;
  readonly stage: DeadLetterStage;
  readonly reason: string;
  readonly connection_id: string | null;
  readonly conversation_id: string | null;
  readonly message_id: string | null;
  readonly fingerprint: string;
  readonly payload: string;
  readonly history: string;
  readonly state: DeadLetterState;
  readonly created_at: number;
  readonly expires_at: number;
  readonly subscription_id: string | null;
  readonly event_type: string | null;
  readonly event_id: string | null;
}

export interface Burial {
  readonly tenant: string;
  readonly id: string;
  readonly stage: "quarantine" | "turn" | "send";
  readonly reason: string;
  readonly connection: string;
  readonly conversation?: string;
  readonly messageId?: string;
  readonly payload: string;
  readonly history: readonly AttemptNote[];
  readonly createdAtMs: number;
}

/** The row and the event that tells of it, for one batch. Idempotent by id: a row that is there already tells nothing. */
export function insertDeadLetter(db: D1Database, burial: Burial): readonly D1PreparedStatement[] {
  return [rowInsert(db, burial), tellCreated(db, burial)];
}

function rowInsert(db: D1Database, burial: Burial): D1PreparedStatement {
  return db
    .prepare(
      `INSERT OR IGNORE INTO dead_letters (tenant_id, id, stage, reason, connection_id, conversation_id, message_id, fingerprint, payload, history, state, created_at, expires_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'dead', ?, ?)`,
    )
    .bind(
      burial.tenant,
      burial.id,
      burial.stage,
      burial.reason,
      burial.connection,
      burial.conversation ?? null,
      burial.messageId ?? null,
      `${burial.stage}:${burial.reason}`,
      burial.payload,
      JSON.stringify(burial.history),
      burial.createdAtMs,
      burial.createdAtMs + DEAD_LETTER_TTL_MS,
    );
}

/** The row of what a conversation has given up on. */
export function projectDead(
  db: D1Database,
  dead: DeadItem,
  of: { readonly tenant: string; readonly connection: string; readonly conversation: string },
): readonly D1PreparedStatement[] {
  return insertDeadLetter(db, { ...of, ...dead });
}

/** A delivery that ended without success. */
export interface EventBurial {
  readonly tenant: string;
  readonly id: string;
  readonly subscription: string;
  readonly reason: string;
  readonly fingerprint: string;
  readonly letter: EventLetter;
  readonly history: readonly AttemptNote[];
  readonly createdAtMs: number;
}

/**
 * The statements that write letters of events, each once however often it is said. They answer the reasons of new
 * ones. A large letter is bound by itself: as a text within JSON it could be too large for one value.
 */
export function insertEventLetters(
  db: D1Database,
  burials: readonly EventBurial[],
): readonly D1PreparedStatement[] {
  const rows = burials.map(eventValues);
  const isLarge = (row: Values) => charsOf(row) > STATEMENT_CHARS_MAX;
  const small = inParts(rows.filter((row) => !isLarge(row))).map((part) =>
    db.prepare(`${EVENT_LETTER} ${FROM_JSON} RETURNING reason`).bind(JSON.stringify(part)),
  );
  const large = rows
    .filter(isLarge)
    .map((row) =>
      db
        .prepare(
          `${EVENT_LETTER} VALUES (?, ?, 'event', ?, ?, ?, ?, 'dead', ?, ?, ?, ?, ?) RETURNING reason`,
        )
        .bind(...row),
    );
  return [...small, ...large];
}

const EVENT_LETTER =
  "INSERT OR IGNORE INTO dead_letters (tenant_id, id, stage, reason, fingerprint, payload, history, state, created_at, expires_at, subscription_id, event_type, event_id)";
const FROM_JSON =
  "SELECT j.value ->> 0, j.value ->> 1, 'event', j.value ->> 2, j.value ->> 3, j.value ->> 4, j.value ->> 5, 'dead', j.value ->> 6, j.value ->> 7, j.value ->> 8, j.value ->> 9, j.value ->> 10 FROM json_each(?) AS j WHERE true";

type Values = readonly (string | number)[];

function eventValues(burial: EventBurial): Values {
  const { tenant, id, reason, fingerprint, letter, history, createdAtMs, subscription } = burial;
  const { event_type, event_id } = letter.event;
  const expiresAtMs = createdAtMs + DEAD_LETTER_TTL_MS;
  const texts = [JSON.stringify(letter), JSON.stringify(history)];
  return [
    ...[tenant, id, reason, fingerprint, ...texts, createdAtMs, expiresAtMs],
    ...[subscription, event_type, event_id],
  ];
}

/** Twice the letter: quotes within it are escaped once more. */
function charsOf(row: Values): number {
  return String(row[4]).length * 2;
}

function inParts(rows: readonly Values[]): readonly (readonly Values[])[] {
  const parts: Values[][] = [];
  let chars = Infinity;
  for (const row of rows) {
    const size = charsOf(row);
    chars += size;
    if (chars <= STATEMENT_CHARS_MAX) parts.at(-1)?.push(row);
    else {
      parts.push([row]);
      chars = size;
    }
  }
  return parts;
}

export async function findDeadLetter(
  db: D1Database,
  tenant: string,
  id: string,
): Promise<DeadLetterRow | undefined> {
  const statement = db.prepare("SELECT * FROM dead_letters WHERE tenant_id = ? AND id = ?");
  return (await statement.bind(tenant, id).first<DeadLetterRow>()) ?? undefined;
}

/** Gives a letter up; false where it is not dead (any more). */
export async function discardDeadLetter(
  db: D1Database,
  tenant: string,
  id: string,
): Promise<boolean> {
  const discard = db
    .prepare(
      "UPDATE dead_letters SET state = 'discarded' WHERE tenant_id = ? AND id = ? AND state = 'dead'",
    )
    .bind(tenant, id);
  const told = tellMoved(db, tenant, id, "discarded");
  const [moved] = await writeTelling(db, tenant, [discard, told]);
  return (moved?.meta.changes ?? 0) > 0;
}

/** Who replays a letter now. A claim that nobody ends runs out after `CLAIM_MS`. */
export interface Claim {
  readonly tenant: string;
  readonly id: string;
  readonly atMs: number;
  /** A new version of the event, kept beside the original. */
  readonly edited?: EventEnvelope;
}

/** When the claim on a letter was made: its newest note. */
const CLAIMED_AT = "coalesce(json_extract(history, '$[#-1].atMs'), created_at)";

/** Takes a letter to replay it; false where somebody else was first. Noted in the letter's history. */
export async function claimDeadLetter(
  db: D1Database,
  { tenant, id, atMs, edited }: Claim,
): Promise<boolean> {
  const taken = await db
    .prepare(
      `UPDATE dead_letters SET state = 'replaying', history = json_insert(history, '$[#]', json(?3)),
         payload = CASE WHEN ?4 IS NULL THEN payload ELSE json_set(payload, '$.edited', json(?4)) END
       WHERE tenant_id = ?1 AND id = ?2 AND (state = 'dead' OR (state = 'replaying' AND ${CLAIMED_AT} < ?5))`,
    )
    .bind(
      tenant,
      id,
      JSON.stringify({ atMs, attempt: 1, reason: edited ? "edited_replay" : "replay" }),
      edited ? JSON.stringify(edited) : null,
      atMs - CLAIM_MS,
    )
    .run();
  return taken.meta.changes > 0;
}

/** Ends a claim; does nothing where it has run out and somebody else has the letter. */
export async function endClaim(
  db: D1Database,
  { tenant, id, atMs }: Claim,
  state: "replayed" | "dead",
): Promise<void> {
  const end = db
    .prepare(
      `UPDATE dead_letters SET state = ? WHERE tenant_id = ? AND id = ? AND state = 'replaying' AND ${CLAIMED_AT} = ?`,
    )
    .bind(state, tenant, id, atMs);
  const told = state === "replayed" ? [tellMoved(db, tenant, id, state)] : [];
  await writeTelling(db, tenant, [end, ...told]);
}

/** Frees letters whose claim nobody has ended: whether they were replayed is unknown, and a replay may be repeated. */
export async function releaseClaims(db: D1Database, nowMs: number): Promise<number> {
  const freed = await db
    .prepare(
      `UPDATE dead_letters SET state = 'dead' WHERE state = 'replaying' AND ${CLAIMED_AT} < ?`,
    )
    .bind(nowMs - CLAIM_MS)
    .run();
  return freed.meta.changes;
}

/** Deletes what is past its time, at most `limit` rows. */
export async function purgeDeadLetters(
  db: D1Database,
  nowMs: number,
  limit: number,
): Promise<number> {
  const purged = await db
    .prepare(
      "DELETE FROM dead_letters WHERE (tenant_id, id) IN (SELECT tenant_id, id FROM dead_letters WHERE expires_at < ? LIMIT ?)",
    )
    .bind(nowMs, limit)
    .run();
  return purged.meta.changes;
}
