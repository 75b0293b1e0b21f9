/** Schedules made, changed, deleted and fired by people: written by compare-and-set, then told to the scheduler. */
import { ERRORS, HubError } from "../../domain/errors.ts";
import { OVERLAP_DEFAULT } from "../../domain/workflows/schedule/overlap.ts";
import { checkSchedule, nextSlots, slotsOf } from "../../domain/workflows/schedule/slots.ts";
import { insist } from "../../platform/conversations.ts";
import { databaseFor } from "../../platform/database.ts";
import { claimKey } from "../../platform/idempotency.ts";
import { count } from "../../platform/metrics.ts";
import { writeTelling } from "../../platform/outbox.ts";
import { recordSlots } from "../../platform/repositories/schedule-slots.ts";
import {
  deleteSchedule,
  findSchedule,
  insertSchedule,
  replaceSchedule,
  SCHEDULES_MAX,
  type StoredSchedule,
} from "../../platform/repositories/schedules.ts";
import { findVersion, readRoute } from "../../platform/repositories/workflows.ts";
import { workflowScheduler } from "../../platform/workflow-triggers.ts";
import type { CreateSchedule, SchedulePatch, ScheduleView } from "../../schema/api/schedules.ts";
import { Schedule } from "../../schema/schedule.ts";
import type { ApiDeps } from "../http/deps.ts";
import { checkIfMatch } from "../http/etag.ts";
import { startSlot } from "./schedule-fire.ts";

/** Somebody else was first this often: then the caller hears of it. */
const ROUNDS_MAX = 5;

/** Names one schedule, and what the caller knows of it. */
export interface ScheduleName {
  readonly tenant: string;
  readonly id: string;
  readonly headers: Headers;
}

/** Throws not_found. */
export async function needSchedule(
  { env }: Pick<ApiDeps, "env">,
  { tenant, id }: Pick<ScheduleName, "tenant" | "id">,
): Promise<StoredSchedule> {
  const stored = await findSchedule(databaseFor(env, tenant), tenant, id);
  if (!stored) throw new HubError("not_found");
  return stored;
}

/** Throws validation_failed, unprocessable (no such workflow or version), conflict, not_found for an unknown tenant. */
export async function createSchedule(
  deps: ApiDeps,
  tenant: string,
  { tenant: _, id, ...members }: CreateSchedule,
  nowMs: number,
): Promise<StoredSchedule> {
  const made = `sch_${crypto.randomUUID().replaceAll("-", "")}`;
  const schedule = Schedule.parse({ ...given(members), id: id ?? made });
  if (!(await deps.directory.tenant(tenant, nowMs))) throw new HubError("not_found");
  check(schedule, nowMs);
  await checkWorkflow(deps, tenant, schedule);
  const times = { createdAtMs: nowMs, updatedAtMs: nowMs };
  const stored: StoredSchedule = { tenant, schedule, revision: 1, ...times };
  const db = databaseFor(deps.env, tenant);
  const { meta } = await insertSchedule(db, stored).run();
  if (meta.changes === 0) {
    const taken = await findSchedule(db, tenant, schedule.id);
    const full = `a tenant may have ${SCHEDULES_MAX} schedules`;
    throw new HubError("conflict", taken ? "a schedule with this id exists" : full);
  }
  await announce(deps, tenant, nowMs);
  return stored;
}

/** Throws not_found, precondition_failed, conflict (a definition's), validation_failed, unprocessable. */
export async function changeSchedule(
  deps: ApiDeps,
  name: ScheduleName,
  { tenant: _, ...patch }: SchedulePatch,
  nowMs: number,
): Promise<StoredSchedule> {
  const db = databaseFor(deps.env, name.tenant);
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    const before = await needSchedule(deps, name);
    checkIfMatch(name.headers, { updatedAt: before.updatedAtMs });
    const changes = given(patch);
    if (before.declared && Object.keys(changes).some((member) => member !== "paused"))
      throw new HubError(
        "conflict",
        "a trigger of its workflow says what it is; only pause it here",
      );
    const schedule = Schedule.parse(withoutNulls({ ...before.schedule, ...changes }));
    if (patch.timing ?? patch.ends_at ?? patch.starts_at) check(schedule, nowMs);
    if (patch.workflow ?? patch.version) await checkWorkflow(deps, name.tenant, schedule);
    const next = {
      ...{ ...before, schedule, revision: before.revision + 1 },
      updatedAtMs: Math.max(nowMs, before.updatedAtMs + 1),
    };
    const { meta } = await replaceSchedule(db, next).run();
    if (meta.changes === 0) continue;
    await announce(deps, name.tenant, nowMs);
    return next;
  }
  throw new HubError("precondition_failed");
}

/** With its history; its runs go on. Throws not_found, precondition_failed, conflict (a definition's). */
export async function removeSchedule(
  deps: ApiDeps,
  name: ScheduleName,
  nowMs: number,
): Promise<void> {
  const stored = await needSchedule(deps, name);
  checkIfMatch(name.headers, { updatedAt: stored.updatedAtMs });
  if (stored.declared)
    throw new HubError(
      "conflict",
      "a trigger of its workflow says that it is there; pause it instead",
    );
  const db = databaseFor(deps.env, name.tenant);
  await db.batch([...deleteSchedule(db, name.tenant, name.id)]);
  await announce(deps, name.tenant, nowMs);
}

/**
 * Starts a run now, beside its slots, whatever its overlap policy and its pause say. Under one key once within 24 h.
 * Throws not_found, idempotency_key_reused, unprocessable with the reason, unavailable.
 */
export async function fireSchedule(
  { env }: ApiDeps,
  { tenant, id, headers }: ScheduleName,
  nowMs: number,
): Promise<{ readonly run: string; readonly schedule: string; readonly duplicate: boolean }> {
  const stored = await needSchedule({ env }, { tenant, id });
  // Off the second: its place in the history is never that of a slot.
  const proposedId = `${nowMs % 1000 === 0 ? nowMs + 1 : nowMs}.${crypto.randomUUID()}`;
  const key = headers.get("idempotency-key");
  const claimed =
    key === null
      ? { id: proposedId, repeated: false }
      : await claimKey(env, { tenant, key, body: { fire: id }, proposedId, nowMs });
  const slotMs = Number(claimed.id.split(".")[0]);
  const fire = `${id}-now-${claimed.id}`;
  const started = await startSlot(env, { stored, fire, slotMs, nowMs });
  if (started.is === "unavailable") throw new HubError("unavailable");
  if (started.is === "refused")
    throw new HubError("unprocessable", `nothing was started: ${started.reason}`, {
      extensions: { reason: started.reason },
    });
  const db = databaseFor(env, tenant);
  const { workflow } = stored.schedule;
  const record = {
    ...({ schedule: id, workflow, slotMs, outcome: "manual", slots: 1 } as const),
    ...{ run: started.run, atMs: nowMs },
  };
  await writeTelling(db, tenant, recordSlots(db, tenant, [record], nowMs));
  if (!claimed.repeated) count("schedule_slots_total", { tenant, outcome: "manual" });
  return { run: started.run, schedule: id, duplicate: claimed.repeated };
}

export function scheduleView(
  { schedule, declared, createdAtMs, updatedAtMs }: StoredSchedule,
  nowMs: number,
): ScheduleView {
  const { paused = false } = schedule;
  const [next] = paused ? [] : nextOf({ schedule }, nowMs, 1);
  // What counts where it says nothing, so that nobody has to know it.
  const { overlap = OVERLAP_DEFAULT, missed = { policy: "latest" } } = schedule;
  return {
    ...schedule,
    ...{ overlap, missed },
    paused,
    declared_by: declared ? "definition" : "api",
    next: next ?? null,
    created_at: new Date(createdAtMs).toISOString(),
    updated_at: new Date(updatedAtMs).toISOString(),
  };
}

/** ISO 8601, at most `most` of them. */
export function nextOf(
  { schedule }: Pick<StoredSchedule, "schedule">,
  nowMs: number,
  most: number,
): readonly string[] {
  const slots = slotsOf(schedule);
  if (!slots.ok) return [];
  return nextSlots(slots.value, nowMs, most).map((ms) => new Date(ms).toISOString());
}

function check(schedule: Schedule, nowMs: number): void {
  const checked = checkSchedule(schedule, nowMs);
  if (checked.ok) return;
  const { pointer, detail, reason } = checked.failure;
  const errors = [{ pointer: `#${pointer}`, detail: `${reason}: ${detail}` }];
  throw new HubError("validation_failed", undefined, { extensions: { errors } });
}

async function checkWorkflow(
  { env }: ApiDeps,
  tenant: string,
  { workflow, version }: Pick<Schedule, "workflow" | "version">,
): Promise<void> {
  const db = databaseFor(env, tenant);
  const known = await readRoute(db, tenant, workflow);
  if (known && (version === undefined || (await findVersion(db, tenant, workflow, version))))
    return;
  const errors = [
    known
      ? { pointer: "#/version", detail: "no such version" }
      : { pointer: "#/workflow", detail: "no such workflow" },
  ];
  throw new HubError("unprocessable", ERRORS.unprocessable.title, { extensions: { errors } });
}

/** Never rejects: a scheduler that could not be told reads its schedules again within a minute of its next slot. */
async function announce({ env, log }: ApiDeps, tenant: string, nowMs: number): Promise<void> {
  try {
    await insist(() => workflowScheduler(env, tenant).refresh(tenant, nowMs));
  } catch (error) {
    const code = error instanceof Error ? error.name : "unknown";
    log("schedule.unannounced", { tenant, code });
  }
}

function given(members: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
}

function withoutNulls(members: Record<string, unknown>): Record<string, unknown> {
  const kept = Object.entries(members).filter(
    ([name, value]) => value !== null || name === "input",
  );
  return Object.fromEntries(kept);
}
