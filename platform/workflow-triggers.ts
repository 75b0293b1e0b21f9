/**
 * The object of a tenant's workflows that nobody has to call for: it fires schedules, keeps what the triggers of
 * definitions stand for in step with the versions in force, and knows which runs wait for which published events.
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
  readonly workflow: string;
  /** When the run began, in ms: what came before is not for it. */
  readonly sinceMs: number;
}

/** A published event on its way to the runs that wait for it. */
export interface ArrivedEvent {
  readonly tenant: string;
  /** Its source and id, and of a replay its id: the same arrival is taken once. */
  readonly key: string;
  readonly type: string;
  readonly correlationId?: string;
  /** The event's data, as JSON. */
  readonly data: string;
}

/** A run to be handed an event. */
export interface AwaitingRun {
  readonly run: string;
}

/** `durable-objects/workflow-scheduler.ts` implements it. Every call may be made again. Rejects as the object does. */
export interface AwaitedEventsRpc {
  /**
   * From now on an event like that is handed to the run, and so is one that came a little earlier. Durable when it
   * answers.
   */
  await(event: AwaitedEvent): Promise<void>;
  /** Nobody waits there any more; unknown ones are no error. */
  ignore(step: Pick<AwaitedEvent, "tenant" | "run" | "step">): Promise<void>;
}

export interface WorkflowSchedulerRpc extends AwaitedEventsRpc {
  /** Keeps the event for runs that come to wait for it, and says which wait already. */
  arrived(event: ArrivedEvent, nowMs: number): Promise<readonly AwaitingRun[]>;
  /** Another version of a workflow is in force, or none: its schedules and subscriptions follow. */
  sync(tenant: string, workflow: string, nowMs: number): Promise<void>;
  /** The tenant's schedules have changed: reads them again. */
  refresh(tenant: string, nowMs: number): Promise<void>;
  /** Decides and starts what is due by `nowMs`. */
  tick(tenant: string, nowMs: number): Promise<void>;
  /** Looks after everything: what a lost call or a lost alarm has left behind. `late`: an alarm was missing. */
  watch(tenant: string, nowMs: number): Promise<{ readonly late: boolean }>;
  /** Forgets everything: its tenant is gone. */
  destroy(): Promise<void>;
}

/** The one object of a tenant. A stub that has failed is not used again: ask for a new one. */
export function workflowScheduler(
  env: Pick<Env, "WORKFLOW_SCHEDULER">,
  tenant: string,
): WorkflowSchedulerRpc {
  return env.WORKFLOW_SCHEDULER.getByName(tenant) as unknown as WorkflowSchedulerRpc;
}

/** As a run's object sees it. */
export function awaitedEvents(
  env: Pick<Env, "WORKFLOW_SCHEDULER">,
  tenant: string,
): AwaitedEventsRpc {
  return workflowScheduler(env, tenant);
}
