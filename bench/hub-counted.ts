/**
 * The hub with counters around everything it is billed for. The same exports as `workers/hub.ts`, and a side
 * door: `GET /_bench/tally` (and `DELETE` to start again). Answers carry `x-bench-round-trips`, the
 * sequential storage calls before the acknowledgement. Benchmarks only.
 */
import hub, {
  Conversation as HubConversation,
  DiscordGateway as HubDiscordGateway,
  Downstream as HubDownstream,
  Idempotency as HubIdempotency,
  Metrics as HubMetrics,
} from "../workers/hub.ts";
import { countedEnv, type RoundTrips } from "./counting.ts";
import { countAlarm, countBatch, countStorage } from "./counting-objects.ts";
import { readTally, resetTally, tally } from "./tally.ts";

// What is not declared below is the hub's own.
export * from "../workers/hub.ts";

/** The calls of the webhook being answered. One at a time: measure acknowledgements while nothing else runs. */
const door: RoundTrips = { depth: 0 };
/** Objects' own calls are no part of the way to an acknowledgement. */
const objects: RoundTrips = { depth: 0 };
const environments = new WeakMap<object, Env>();

/** The same counted environment for the same environment, since the hub keeps what an isolate knows under it. */
function counted(env: Env): Env {
  const known = environments.get(env) ?? countedEnv(env, door);
  environments.set(env, known);
  return known;
}

export class Conversation extends HubConversation {
  constructor(ctx: DurableObjectState, env: Env) {
    countStorage(ctx);
    super(ctx, countedEnv(env, objects));
  }

  override alarm(): Promise<void> {
    countAlarm();
    return super.alarm();
  }
}

export class Downstream extends HubDownstream {
  constructor(ctx: DurableObjectState, env: Env) {
    countStorage(ctx);
    super(ctx, countedEnv(env, objects));
  }
}

export class Idempotency extends HubIdempotency {
  constructor(ctx: DurableObjectState, env: Env) {
    countStorage(ctx);
    super(ctx, countedEnv(env, objects));
  }
}

export class DiscordGateway extends HubDiscordGateway {
  constructor(ctx: DurableObjectState, env: Env) {
    countStorage(ctx);
    super(ctx, countedEnv(env, objects));
  }
}

export class Metrics extends HubMetrics {
  constructor(ctx: DurableObjectState, env: Env) {
    countStorage(ctx);
    super(ctx, countedEnv(env, objects));
  }
}

const worker: ExportedHandler<Env> = hub;

// biome-ignore lint/style/noDefaultExport: a Worker module is its default export
export default {
  async fetch(request, env, ctx): Promise<Response> {
    if (new URL(request.url).pathname === "/_bench/tally") {
      return sideDoor(request);
    }
    tally.workerRequests += 1;
    door.depth = 0;
    const answer = await worker.fetch?.(request, counted(env), ctx);
    const response = new Response(answer?.body, answer);
    response.headers.set("x-bench-round-trips", String(door.depth));
    return response;
  },
  async queue(batch, env, ctx): Promise<void> {
    const delivery = countBatch(batch);
    await worker.queue?.(delivery.batch, counted(env), ctx);
    delivery.settle();
  },
  async scheduled(event, env, ctx): Promise<void> {
    tally.workerRequests += 1;
    await worker.scheduled?.(event, counted(env), ctx);
  },
} satisfies ExportedHandler<Env>;

function sideDoor(request: Request): Response {
  const body = readTally();
  if (request.method === "DELETE") {
    resetTally();
  }
  return Response.json(body);
}
