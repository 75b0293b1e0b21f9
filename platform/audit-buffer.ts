/**
 * Notes of what was done, held in the isolate's memory until the unit of work is over, then appended with one call per
 * trail. To note never fails and never waits. What cannot be appended is put aside in R2 and appended later; what
 * cannot even be put aside is counted, said in a log line, and leaves an entry that says how many are missing.
 */
import { type AuditDraft, HUB_TRAIL } from "../domain/audit/entry.ts";
import { mintId } from "../domain/messaging/message-id.ts";
import { AUDIT_BATCH_MAX, type AuditBatch, auditTrail } from "./audit-trail.ts";
import { logLine } from "./log.ts";
import { count } from "./metrics.ts";

/** Where batches wait that a trail did not take. */
export const LATE_PREFIX = "audit-late/";
/** Entries held in one isolate; what is beyond is lost, and said to be. */
const HELD_MAX = 2000;
/** Waits before a failed append is made again, ms. */
const WAITS_MS = [50, 200, 800] as const;
/** All attempts together, ms: work behind an answer may take 30 s (Workers limits). */
const APPEND_MS_MAX = 8000;

type Bindings = Pick<Env, "AUDIT" | "STORE">;

export type AuditNote = Omit<AuditDraft, "id">;

const held: { readonly trail: string; readonly draft: AuditDraft }[] = [];
/** Entries of this isolate that are lost and not told of, by trail. */
const missing = new Map<string, number>();
let lastLossMs = -Infinity;

/** To be appended to the tenant's trail, or the hub's own, by the next `flushAudit` of this isolate. */
export function noteAudit(trail: string, note: AuditNote): void {
  const draft = { ...note, id: mintId("aud", note.atMs, Math.random) };
  if (held.length >= HELD_MAX) lose(trail, [draft], "held_max");
  else held.push({ trail, draft });
}

/** Whether anything waits for `flushAudit`. */
export function isAuditHeld(): boolean {
  return held.length > 0;
}

/** When this isolate last lost an entry, ms; -Infinity: never. */
export function lastAuditLossMs(): number {
  return lastLossMs;
}

/** Appends everything noted in this isolate. Never rejects. */
export async function flushAudit(env: Bindings, nowMs: number): Promise<void> {
  if (held.length === 0) return;
  const taken = held.splice(0);
  const batches = batchesOf(taken, nowMs);
  await Promise.all(batches.map((batch) => deliver(env, batch, nowMs)));
}

function batchesOf(
  taken: readonly { readonly trail: string; readonly draft: AuditDraft }[],
  nowMs: number,
): readonly AuditBatch[] {
  const batches: AuditBatch[] = [];
  for (const [trail, noted] of Map.groupBy(taken, (one) => one.trail)) {
    const drafts = [...gapOf(trail, nowMs), ...noted.map(({ draft }) => draft)];
    for (let n = 0; n < drafts.length; n += AUDIT_BATCH_MAX)
      batches.push({ trail, drafts: drafts.slice(n, n + AUDIT_BATCH_MAX) });
  }
  return batches;
}

/** What says that entries before it are missing. */
function gapOf(trail: string, nowMs: number): readonly AuditDraft[] {
  const lost = missing.get(trail);
  if (lost === undefined) return [];
  missing.delete(trail);
  return [
    {
      ...{ id: mintId("aud", nowMs, Math.random), atMs: nowMs, actor: { kind: "system" } },
      ...{ action: "audit.gap", target: {}, outcome: "failed", count: lost },
    },
  ];
}

async function deliver(env: Bindings, batch: AuditBatch, nowMs: number): Promise<void> {
  if (batch.drafts.length === 0) return;
  const appended = append(env, batch, nowMs);
  if (await inTime(appended)) return;
  count("audit_failures_total", { reason: "late" });
  try {
    await env.STORE.put(lateKey(batch), JSON.stringify({ ...batch, late: true }));
  } catch {
    lose(batch.trail, batch.drafts, "lost");
  }
}

async function append(env: Bindings, batch: AuditBatch, nowMs: number): Promise<boolean> {
  for (const waitMs of [...WAITS_MS, 0]) {
    try {
      await auditTrail(env, batch.trail).append(batch, nowMs);
      return true;
    } catch {
      count("audit_failures_total", { reason: "retried" });
      await pause(waitMs);
    }
  }
  return false;
}

/** False also where it hangs: it may be done nevertheless, which a late batch is asked for. */
async function inTime(work: Promise<boolean>): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const over = new Promise<boolean>((resolve) => {
    timer = setTimeout(resolve, APPEND_MS_MAX, false);
  });
  const done = await Promise.race([work, over]);
  clearTimeout(timer);
  return done;
}

function pause(ms: number): Promise<void> {
  return ms === 0 ? Promise.resolve() : new Promise((resolve) => setTimeout(resolve, ms));
}

function lateKey({ trail, drafts }: AuditBatch): string {
  return `${LATE_PREFIX}${trail}/${drafts[0]?.id}.json`;
}

/** Never silent: a counter, a line, and an entry as soon as one can be written. A gap that is lost still counts in full. */
function lose(trail: string, drafts: readonly AuditDraft[], reason: "lost" | "held_max"): void {
  lastLossMs = Date.now();
  const lost = drafts.reduce((sum, draft) => sum + (draft.count ?? 1), 0);
  missing.set(trail, (missing.get(trail) ?? 0) + lost);
  count("audit_failures_total", { reason }, drafts.length);
  for (const { id, action, trace } of drafts.slice(0, LINES_MAX)) {
    const tenant = trail === HUB_TRAIL ? undefined : trail;
    logLine("audit.lost", { tenant, key: id, operation: action, trace, reason });
  }
}

/** Log lines of one loss; the counter has all of it. */
const LINES_MAX = 10;
