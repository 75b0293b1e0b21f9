/**
 * The hub with a side door at its workflows (`/_bench/…`): definitions are stored and runs started inside the Worker, and
 * what a run is billed for is counted when the variable BENCH_COUNTED is set. The metrics object is not counted: it is
 * one for all isolates, and no run's. Benchmarks only.
 */
import type { WorkflowEvent, WorkflowStep } from "cloudflare:workers";
import { writeData } from "../platform/repositories/tenant-data.ts";
import { insertVersion, replaceRoute } from "../platform/repositories/workflows.ts";
import type { HandsOf } from "../platform/workflow-runs.ts";
import type { WorkflowDefinition } from "../schema/workflow.ts";
import hub, {
  Audit as HubAudit,
  Downstream as HubDownstream,
  EventShard as HubEventShard,
  RunWorkflow as HubRunWorkflow,
  WorkflowRun as HubWorkflowRun,
  WorkflowScheduler as HubWorkflowScheduler,
} from "../workers/hub.ts";
import { SERVICES_KEY } from "../workers/workflows/actions/service.ts";
import { startRun } from "../workers/workflows/start.ts";
import { type BenchEnv, counted, countObject } from "./counted-hub.ts";
import { countAlarm } from "./counting-objects.ts";
import { readTally, resetTally, tally } from "./tally.ts";

// What is not declared below is the hub's own.
export * from "../workers/hub.ts";

export class WorkflowRun extends HubWorkflowRun {
  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, countObject(ctx, env));
  }

  override alarm(): Promise<void> {
    countAlarm();
    return super.alarm();
  }
}

export class WorkflowScheduler extends HubWorkflowScheduler {
  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, countObject(ctx, env));
  }
}

export class EventShard extends HubEventShard {
  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, countObject(ctx, env));
  }

  override alarm(): Promise<void> {
    countAlarm();
    return super.alarm();
  }
}

export class Downstream extends HubDownstream {
  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, countObject(ctx, env));
  }
}

export class Audit extends HubAudit {
  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, countObject(ctx, env));
  }
}

export class RunWorkflow extends HubRunWorkflow {
  constructor(ctx: ExecutionContext, env: Env) {
    super(ctx, counted(env));
  }

  override run(event: WorkflowEvent<HandsOf>, step: WorkflowStep): Promise<void> {
    return super.run(event, countedStep(step));
  }
}

/** Every `do` and every wait for an event is a step. Called as members: the stub's methods have any member themselves. */
function countedStep(step: WorkflowStep): WorkflowStep {
  const counting = {
    do: (...values: Parameters<WorkflowStep["do"]>) => {
      tally.workflowSteps += 1;
      return step.do(...values);
    },
    waitForEvent: (...values: Parameters<WorkflowStep["waitForEvent"]>) => {
      tally.workflowSteps += 1;
      return step.waitForEvent(...values);
    },
  };
  return counting as unknown as WorkflowStep;
}

interface Order {
  readonly tenant: string;
  readonly definition: WorkflowDefinition;
  readonly services: Readonly<Record<string, { readonly url: string }>>;
  readonly workflow: string;
  readonly runs: number;
}

const worker: ExportedHandler<Env> = hub;

// biome-ignore lint/style/noDefaultExport: a Worker module is its default export
export default {
  async fetch(request, env, ctx): Promise<Response> {
    const { pathname } = new URL(request.url);
    if (pathname.startsWith("/_bench/")) return sideDoor(request, env, pathname);
    return (await worker.fetch?.(request, env, ctx)) ?? new Response(null, { status: 500 });
  },
  async queue(batch, env, ctx): Promise<void> {
    await worker.queue?.(batch, counted(env), ctx);
  },
} satisfies ExportedHandler<BenchEnv>;

async function sideDoor(request: Request, env: BenchEnv, pathname: string): Promise<Response> {
  if (pathname === "/_bench/tally") {
    const body = readTally();
    if (request.method === "DELETE") resetTally();
    return Response.json(body);
  }
  const order = await request.json<Order>();
  if (pathname === "/_bench/deploy") {
    await deploy(env, order);
    return Response.json({});
  }
  return Response.json(await startAll(counted(env), order));
}

async function deploy({ DB }: Env, { tenant, definition, services }: Order): Promise<void> {
  const nowMs = Date.now();
  const { id, name, version } = definition;
  const texts = { source: "", definition, digest: crypto.randomUUID(), createdAtMs: nowMs };
  await insertVersion(DB, { tenant, id, version, name, ...texts });
  await replaceRoute(DB, { tenant, id }, { active: version, paused: false, updatedAtMs: nowMs }, 0);
  await writeData(DB, { tenant, key: SERVICES_KEY, value: services, nowMs });
}

/** Ids of so many runs, begun at once. Throws where one is refused. */
async function startAll(env: Env, { tenant, workflow, runs }: Order): Promise<readonly string[]> {
  const started = await Promise.all(
    Array.from({ length: runs }, () => {
      const key = crypto.randomUUID();
      const input = { name: "Ada", amount: 12 };
      return startRun(env, { tenant, workflow, input, key, trigger: "api", nowMs: Date.now() });
    }),
  );
  return started.map((one) => {
    if (!one.ok) throw new Error(one.failure.reason);
    return one.value.run;
  });
}
