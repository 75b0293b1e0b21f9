/**
 * Durable Objects and the Workflow, whose code no webhook needs before it is acknowledged: loaded with the first
 * object of their class. What is bound here is the same class from outside: the same methods, the same alarm, one
 * storage.
 */
import {
  DurableObject,
  WorkflowEntrypoint,
  type WorkflowEvent,
  type WorkflowStep,
} from "cloudflare:workers";
import type { Audit as Trail } from "../durable-objects/audit.ts";
import type { DiscordGateway as Gateway } from "../durable-objects/discord-gateway.ts";
import type { Downstream as Admission } from "../durable-objects/downstream.ts";
import type { EventShard as Shard } from "../durable-objects/event-shard.ts";
import type { Idempotency as Claims } from "../durable-objects/idempotency.ts";
import type { Metrics as Counts } from "../durable-objects/metrics.ts";
import type { Replay as Job } from "../durable-objects/replay.ts";
import type { WorkflowRun as Run } from "../durable-objects/workflow-run.ts";
import type { HandsOf } from "../platform/workflow-runs.ts";
import type { WorkflowScheduler as Scheduler } from "./operations/schedule-object.ts";

// biome-ignore lint/suspicious/noExplicitAny: an object may want less than all bindings
type ObjectClass<T> = new (ctx: DurableObjectState, env: any) => T;

type Alarmed = Pick<DurableObject, "alarm">;

/** Every method that the class adds; a missing one does not compile. */
type Methods<T> = { readonly [K in Exclude<keyof T, keyof DurableObject>]: true };

/**
 * The class as callers see it. Its object is there before the first call or alarm: nothing is delivered until then.
 * `fetch` and WebSocket handlers are not passed on: no class here has any.
 */
function loadedOnUse<T extends Alarmed>(
  load: () => Promise<ObjectClass<T>>,
  methods: Methods<T>,
): ObjectClass<T> {
  class Loaded extends DurableObject {
    /** Own, so that no stub can ask for it. */
    declare object: T;

    constructor(ctx: DurableObjectState, env: never) {
      super(ctx, env);
      ctx.blockConcurrencyWhile(async () => {
        const Class = await load();
        this.object = new Class(ctx, env);
      });
    }

    override alarm(info?: AlarmInvocationInfo): void | Promise<void> {
      return this.object.alarm?.(info);
    }
  }
  for (const name of Object.keys(methods)) {
    Object.defineProperty(Loaded.prototype, name, {
      value(this: Loaded, ...given: unknown[]) {
        const { object } = this;
        return (object as unknown as Record<string, (...given: unknown[]) => unknown>)[name]?.(
          ...given,
        );
      },
    });
  }
  return Loaded as unknown as ObjectClass<T>;
}

export class Audit extends loadedOnUse<Trail>(
  async () => (await import("../durable-objects/audit.ts")).Audit,
  {
    ...{ append: true, page: true, verify: true, lines: true, head: true, destroy: true },
    ...{ ping: true },
  },
) {}

export class DiscordGateway extends loadedOnUse<Gateway>(
  async () => (await import("../durable-objects/discord-gateway.ts")).DiscordGateway,
  { ensure: true, drop: true, status: true, ping: true },
) {}

export class Downstream extends loadedOnUse<Admission>(
  async () => (await import("../durable-objects/downstream.ts")).Downstream,
  { admit: true, ping: true },
) {}

export class EventShard extends loadedOnUse<Shard>(
  async () => (await import("../durable-objects/event-shard.ts")).EventShard,
  {
    ...{ publish: true, lease: true, settle: true, refresh: true, unblock: true, hasten: true },
    ...{ blocked: true, deads: true, forgetDeads: true, gauges: true, destroy: true, ping: true },
  },
) {}

export class Idempotency extends loadedOnUse<Claims>(
  async () => (await import("../durable-objects/idempotency.ts")).Idempotency,
  { claim: true, ping: true },
) {}

export class Metrics extends loadedOnUse<Counts>(
  async () => (await import("../durable-objects/metrics.ts")).Metrics,
  { add: true, snapshot: true, ping: true },
) {}

export class Replay extends loadedOnUse<Job>(
  async () => (await import("../durable-objects/replay.ts")).Replay,
  { start: true, order: true, status: true, ping: true },
) {}

export class WorkflowRun extends loadedOnUse<Run>(
  async () => (await import("../durable-objects/workflow-run.ts")).WorkflowRun,
  {
    ...{ start: true, send: true, work: true, take: true, report: true, handOver: true },
    ...{ state: true, log: true, definition: true, task: true, destroy: true },
    ...{ ping: true },
  },
) {}

export class WorkflowScheduler extends loadedOnUse<Scheduler>(
  async () => (await import("./operations/schedule-object.ts")).WorkflowScheduler,
  {
    ...{ await: true, ignore: true, arrived: true, sync: true, refresh: true, tick: true },
    ...{ watch: true, destroy: true, ping: true },
  },
) {}

export class RunWorkflow extends WorkflowEntrypoint<Env, HandsOf> {
  override async run(event: WorkflowEvent<HandsOf>, step: WorkflowStep): Promise<void> {
    const { RunWorkflow: Hands } = await import("./workflows/run-workflow.ts");
    await new Hands(this.ctx, this.env).run(event, step);
  }
}
