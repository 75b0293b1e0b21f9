/**
 * The history of schedules: what became of each slot, and of neighbours that were left out together. A slot is written
 * once, with the event that tells of it. Every statement names the tenant.
 */
import { outboxInsert } from "../outbox.ts";

/** A slot stays in the history this long, in ms. */
export const SLOT_KEPT_MS = 30 * 86_400_000;

/** What became of it. `manual`: fired by a person, `skipped`: by its policy, `refused`: its run could not be started. */
export type SlotOutcome = "fired" | "manual" | "skipped" | "refused";

export interface SlotRecord {
  readonly schedule: string;
  readonly workflow: string;
  /** Of neighbours: the last one. In ms. */
  readonly slotMs: number;
  readonly outcome: SlotOutcome;
  /** Why it did not fire. */
  readonly reason?: string;
  /** How many slots this stands for; null: too many to count. */
  readonly slots: number | null;
  readonly run?: string;
  readonly atMs: number;
}

export type ListedSlot = Omit<SlotRecord, "workflow">;

interface SlotRow {
  readonly schedule_id: string;
  readonly slot: number;
  readonly outcome: string;
  readonly count: number;
  readonly run_id: string | null;
  readonly at: number;
}

/** Statements that write records and tell them, each once; and drop what is too old. */
export function recordSlots(
  db: D1Database,
  tenant: string,
  records: readonly SlotRecord[],
  nowMs: number,
): readonly D1PreparedStatement[] {
  const schedules = [...new Set(records.map(({ schedule }) => schedule))];
  return [
    ...records.flatMap((record) => [insert(db, tenant, record), tell(db, tenant, record)]),
    ...schedules.map((schedule) =>
      db
        .prepare("DELETE FROM schedule_slots WHERE tenant_id = ? AND schedule_id = ? AND slot < ?")
        .bind(tenant, schedule, nowMs - SLOT_KEPT_MS),
    ),
  ];
}

/** Newest first, before `beforeMs`. Rejects as D1 does. */
export async function listSlots(
  db: D1Database,
  of: { readonly tenant: string; readonly schedule: string; readonly beforeMs?: number },
  limit: number,
): Promise<readonly ListedSlot[]> {
  const { results } = await db
    .prepare(
      `SELECT * FROM schedule_slots WHERE tenant_id = ? AND schedule_id = ? AND slot < ?
       ORDER BY slot DESC LIMIT ?`,
    )
    .bind(of.tenant, of.schedule, of.beforeMs ?? Number.MAX_SAFE_INTEGER, limit)
    .all<SlotRow>();
  return results.map(listedOf);
}

function insert(db: D1Database, tenant: string, record: SlotRecord): D1PreparedStatement {
  const { schedule, slotMs, outcome, reason, slots, run, atMs } = record;
  const text = reason === undefined ? outcome : `${outcome}:${reason}`;
  return db
    .prepare(
      `INSERT INTO schedule_slots (tenant_id, schedule_id, slot, outcome, count, run_id, at)
       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (tenant_id, schedule_id, slot) DO NOTHING`,
    )
    .bind(tenant, schedule, slotMs, text, slots ?? 0, run ?? null, atMs);
}

function tell(db: D1Database, tenant: string, record: SlotRecord): D1PreparedStatement {
  const { schedule, workflow, slotMs, reason, slots, run, atMs } = record;
  const of = { schedule, workflow, slot: new Date(slotMs).toISOString() };
  const event =
    run === undefined
      ? {
          type: "schedule.skipped" as const,
          data: { ...of, reason: reason ?? "unknown", ...(slots === null ? {} : { slots }) },
          subject: schedule,
        }
      : { type: "schedule.fired" as const, data: { ...of, run }, subject: schedule };
  return outboxInsert(db, tenant, event, atMs, "if_changed");
}

function listedOf({ schedule_id, slot, outcome, count, run_id, at }: SlotRow): ListedSlot {
  const [kind = "fired", reason] = outcome.split(":");
  return {
    schedule: schedule_id,
    slotMs: slot,
    outcome: kind as SlotOutcome,
    ...(reason === undefined ? {} : { reason }),
    slots: count === 0 ? null : count,
    ...(run_id === null ? {} : { run: run_id }),
    atMs: at,
  };
}
