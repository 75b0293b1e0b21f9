/**
 * Which runs of a tenant wait for which published events. The tenant's scheduler object keeps it; the runs' objects
 * write it, and whoever takes published events in asks it.
 */

/** One step that waits. Two of one step and run are one; the last one counts. */
export interface AwaitedEvent {
  readonly tenant: string;
  readonly run: string;
  /** Key of the step's execution. */
  readonly step: string;
  /** Event type; `*` stands for one word, `#` for any number. */
  readonly type: string;
  /** Absent: only events that have none. */
  readonly correlationId?: string;
}

/** `durable-objects/workflow-scheduler.ts` implements it. Every call may be made again. Rejects as the object does. */
export interface AwaitedEventsRpc {
  /** From now on an event like that is handed to the run. Durable when it answers. */
  await(event: AwaitedEvent): Promise<void>;
  /** Nobody waits there any more; unknown ones are no error. */
  ignore(step: Pick<AwaitedEvent, "tenant" | "run" | "step">): Promise<void>;
}

/** The one object of a tenant. */
export function awaitedEvents(
  env: Pick<Env, "WORKFLOW_SCHEDULER">,
  tenant: string,
): AwaitedEventsRpc {
  return env.WORKFLOW_SCHEDULER.getByName(tenant) as unknown as AwaitedEventsRpc;
}
