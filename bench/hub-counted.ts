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

/** Objects' own calls are no part of the way to an acknowledgement. */
const untraced = (): RoundTrips => ({ depth: 0 });

export class Conversation extends HubConversation {
  constructor(ctx: DurableObjectState, env: Env) {
    countStorage(ctx);
    super(ctx, countedEnv(env, untraced()));
  }

  override alarm(): Promise<void> {
    countAlarm();
    return super.alarm();
  }
}

export class Downstream extends HubDownstream {
  constructor(ctx: DurableObjectState, env: Env) {
    countStorage(ctx);
    super(ctx, countedEnv(env, untraced()));
  }
}

export class Idempotency extends HubIdempotency {
  constructor(ctx: DurableObjectState, env: Env) {
    countStorage(ctx);
    super(ctx, countedEnv(env, untraced()));
  }
}

export class DiscordGateway extends HubDiscordGateway {
  constructor(ctx: DurableObjectState, env: Env) {
    countStorage(ctx);
    super(ctx, countedEnv(env, untraced()));
  }
}

export class Metrics extends HubMetrics {
  constructor(ctx: DurableObjectState, env: Env) {
    countStorage(ctx);
    super(ctx, countedEnv(env, untraced()));
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
    const trips: RoundTrips = { depth: 0 };
    const answer = await worker.fetch?.(request, countedEnv(env, trips), ctx);
    const response = new Response(answer?.body, answer);
    response.headers.set("x-bench-round-trips", String(trips.depth));
    return response;
  },
  async queue(batch, env, ctx): Promise<void> {
    const counted = countBatch(batch);
    await worker.queue?.(counted.batch, countedEnv(env, untraced()), ctx);
    counted.settle();
  },
  async scheduled(event, env, ctx): Promise<void> {
    tally.workerRequests += 1;
    await worker.scheduled?.(event, countedEnv(env, untraced()), ctx);
  },
} satisfies ExportedHandler<Env>;

function sideDoor(request: Request): Response {
  const body = readTally();
  if (request.method === "DELETE") {
    resetTally();
  }
  return Response.json(body);
}
