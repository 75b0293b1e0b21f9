/**
 * A tenant's scheduler on a clock of the test's own. Its times lie years ahead, so that no real alarm ever comes and
 * only what is asked for happens.
 */
import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { listSlots } from "../../../platform/repositories/schedule-slots.ts";
import {
  findSchedule,
  insertSchedule,
  replaceSchedule,
  type StoredSchedule,
} from "../../../platform/repositories/schedules.ts";
import { workflowScheduler } from "../../../platform/workflow-triggers.ts";
import { Schedule } from "../../../schema/schedule.ts";
import "./loaded.ts";
import { env, type Running, running } from "./running.ts";

export const MIN = 60_000;
export const HOUR = 60 * MIN;
export const at = (text: string) => Date.parse(text);

/** What is inside an object: for spies on what only lives there. */
export interface Inner {
  readonly env: Env;
  readonly ctx: DurableObjectState;
}

/** A workflow whose runs end by themselves, after one call of the service `work`. */
export const WORKING = { id: "w", steps: [{ id: "work", type: "action", action: "work" }] };
/** One whose runs go on until they get the signal `go`. */
export const STAYING = { id: "w", steps: [{ id: "stay", type: "event", signal: "go" }] };

/** A tenant with a workflow `w` and an hourly schedule `s1` of it, made at `fromMs`. */
export async function scheduled(
  part: Record<string, unknown>,
  fromMs: number,
  workflow: Record<string, unknown> = WORKING,
) {
  const hub = await running({ work: {} });
  await hub.deploy(workflow);
  return { hub, ...(await schedulingOf(hub, part, fromMs)) };
}

async function schedulingOf({ tenant }: Running, part: Record<string, unknown>, fromMs: number) {
  const timing = { kind: "cron", cron: "0 * * * *" };
  const schedule = Schedule.parse({ id: "s1", workflow: "w", timing, ...part });
  const times = { createdAtMs: fromMs, updatedAtMs: fromMs };
  await insertSchedule(env.DB, { tenant, schedule, revision: 1, ...times }).run();
  const rpc = () => workflowScheduler(env, tenant);
  const object = () => env.WORKFLOW_SCHEDULER.getByName(tenant) as never;
  await rpc().refresh(tenant, fromMs);
  const slots = async () =>
    (await listSlots(env.DB, { tenant, schedule: schedule.id }, 2000)).toReversed();
  return {
    rpc,
    slots,
    tick: (nowMs: number) => rpc().tick(tenant, nowMs),
    evict: () => evictDurableObject(object()),
    inside: <T>(look: (inner: Inner) => T | Promise<T>) =>
      runInDurableObject(object(), (one: unknown) => look(one as Inner)),
    /** `2030-01-01T01:00 fired`; of neighbours, with their number. */
    history: async () =>
      (await slots()).map(({ slotMs, outcome, reason, slots: n }) => {
        const slot = new Date(slotMs).toISOString().slice(0, 16);
        return [slot, reason ?? outcome, ...(n === 1 ? [] : [n])].join(" ");
      }),
    runs: async () => (await slots()).flatMap(({ run }) => run ?? []),
    change: async (over: Record<string, unknown>, nowMs: number, tell = true) => {
      const known = (await findSchedule(env.DB, tenant, schedule.id)) as StoredSchedule;
      const next = { ...known, schedule: Schedule.parse({ ...known.schedule, ...over }) };
      const revision = known.revision + 1;
      await replaceSchedule(env.DB, { ...next, revision, updatedAtMs: nowMs }).run();
      if (tell) await rpc().refresh(tenant, nowMs);
    },
  };
}
