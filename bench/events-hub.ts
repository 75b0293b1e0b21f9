/**
 * The hub with side doors at its event shards (`/_bench/…`): what is billed for events is counted when the variable
 * BENCH_COUNTED is set, and calls are made in a loop inside the Worker, so that rates are no HTTP client's. The
 * metrics object is not counted: it is one for all isolates, and no event's. Benchmarks only.
 */
import hub, {
  Downstream as HubDownstream,
  EventShard as HubEventShard,
  Replay as HubReplay,
} from "../workers/hub.ts";
import { type BenchEnv, counted, countObject } from "./counted-hub.ts";
import { countAlarm, countBatch } from "./counting-objects.ts";
import { type LoopOrder, runLoop } from "./events-loop.ts";
import { readTally, resetTally, tally } from "./tally.ts";

// What is not declared below is the hub's own.
export * from "../workers/hub.ts";

export class EventShard extends HubEventShard {
  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, countObject(ctx, env));
  }

  override alarm(): Promise<void> {
    countAlarm();
    return super.alarm();
  }

  /** Deliveries that somebody is rung for and that have not ended, and leases. Not counted. */
  benchOpen(): number {
    const open =
      "SELECT (SELECT count(*) FROM delivery WHERE subscription NOT GLOB 'pull*') + (SELECT count(*) FROM lease) AS n";
    return this.#uncounted<{ n: number }>(open).one().n;
  }

  /** An alarm that would come within the minute comes now. */
  async benchAlarm(): Promise<void> {
    const { storage } = this.ctx;
    const atMs = await storage.getAlarm();
    if (atMs === null || atMs > Date.now() + 60_000) return;
    await (Object.getPrototypeOf(storage) as DurableObjectStorage).deleteAlarm.call(storage);
    await this.alarm();
  }

  /** More events that were published before. Not counted. */
  benchGrow(from: number, to: number): void {
    this.#uncounted(
      `INSERT INTO event_0 (key, seq, id, bytes, body) WITH RECURSIVE numbers(n) AS (SELECT CAST(? AS INTEGER) + 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ?) SELECT 'grown-' || n, n, 'grown-' || n, 300, '{}' FROM numbers`,
      from,
      to,
    );
  }

  /** One row of the size of an event in one transaction, and nothing else. */
  benchInsert(key: string, body: string): void {
    const { sql } = this.ctx.storage;
    sql.exec(
      "CREATE TABLE IF NOT EXISTS bench (key TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID",
    );
    this.ctx.storage.transactionSync(() => {
      sql.exec("INSERT INTO bench (key, body) VALUES (?, ?)", key, body);
    });
  }

  #uncounted<Row extends Record<string, SqlStorageValue>>(query: string, ...values: unknown[]) {
    const { sql } = this.ctx.storage;
    const { exec } = Object.getPrototypeOf(sql) as SqlStorage;
    return exec.call(sql, query, ...values) as SqlStorageCursor<Row>;
  }
}

export class Replay extends HubReplay {
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

const worker: ExportedHandler<Env> = hub;

// biome-ignore lint/style/noDefaultExport: a Worker module is its default export
export default {
  async fetch(request, env, ctx): Promise<Response> {
    const { pathname } = new URL(request.url);
    if (pathname.startsWith("/_bench/")) return sideDoor(request, env, pathname);
    tally.workerRequests += 1;
    const answer = await worker.fetch?.(request, counted(env), ctx);
    return answer ?? new Response(null, { status: 500 });
  },
  async queue(batch, env, ctx): Promise<void> {
    const delivery = countBatch(batch);
    await worker.queue?.(delivery.batch, counted(env), ctx);
    delivery.settle();
  },
} satisfies ExportedHandler<BenchEnv>;

async function sideDoor(request: Request, env: BenchEnv, pathname: string): Promise<Response> {
  if (pathname === "/_bench/tally") {
    const body = readTally();
    if (request.method === "DELETE") resetTally();
    return Response.json(body);
  }
  const order = await request.json<LoopOrder>();
  return Response.json(await runLoop(env, order));
}
