/** The scheduler as it is deployed: its slots are started the way everything else starts runs. */
import { SchedulerObject } from "../../durable-objects/workflow-scheduler.ts";
import type { SlotStart, SlotStarted } from "../../durable-objects/workflow-scheduler-slots.ts";
import { startSlot } from "./schedule-fire.ts";

export class WorkflowScheduler extends SchedulerObject {
  protected override startSlot(env: Env, slot: SlotStart): Promise<SlotStarted> {
    return startSlot(env, slot);
  }
}
