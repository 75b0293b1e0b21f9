/** Starts the run of a schedule's slot: what its trigger makes of it where a definition declared it, else its own input. */
import { ok } from "../../domain/result.ts";
import {
  slotHappening,
  startOf,
  type TriggeredStart,
} from "../../domain/workflows/triggers/start.ts";
import type { SlotStart, SlotStarted } from "../../durable-objects/workflow-scheduler-slots.ts";
import { startRun } from "../workflows/start.ts";

/** Never rejects. The same slot again is the same run. */
export async function startSlot(
  env: Env,
  { stored, fire, slotMs, nowMs }: SlotStart,
): Promise<SlotStarted> {
  const { tenant, schedule, declared } = stored;
  const { workflow, version, input } = schedule;
  const happening = slotHappening(fire, slotMs);
  const own: TriggeredStart = { key: fire, input: input ?? happening.data };
  const made = declared ? startOf(declared, happening, nowMs) : ok(own);
  if (!made.ok) return { is: "refused", reason: made.failure.reason };
  if (!made.value) return { is: "refused", reason: "condition" };
  const started = await startRun(env, {
    ...{ tenant, workflow, ...made.value, trigger: "schedule", nowMs },
    ...(version === undefined ? {} : { version }),
  });
  if (started.ok) return { is: "started", run: started.value.run };
  const { reason } = started.failure;
  return reason === "unavailable" ? { is: "unavailable" } : { is: "refused", reason };
}
