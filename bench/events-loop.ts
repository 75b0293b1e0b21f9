/** What a side door of `events-hub.ts` does at one shard, over and over, inside the Worker. */
import { type EventShardRpc, eventShard, type ShardEvent } from "../platform/event-shards.ts";
import { eventBody } from "./events-body.ts";
import { archiveEvents } from "./events-past.ts";

/** The one shard of a tenant. */
const SHARD = "1.0";

/** `calls` calls or as many as begin within `forMs`, `together` at the same time, each with `size` events, deliveries or rows. */
export interface LoopOrder {
  readonly tenant: string;
  readonly act:
    | "ping"
    | "insert"
    | "publish"
    | "consume"
    | "open"
    | "alarm"
    | "refresh"
    | "grow"
    | "archive";
  readonly calls?: number;
  readonly forMs?: number;
  readonly together?: number;
  readonly size?: number;
  readonly logged?: boolean;
  /** Rows that are there already. */
  readonly from?: number;
  /** The hour that is archived. */
  readonly sinceMs?: number;
  /** Partition keys that take turns; without, an event has none. */
  readonly partitions?: number;
}

interface BenchShard extends EventShardRpc {
  ping(): Promise<string>;
  benchOpen(): Promise<number>;
  benchAlarm(): Promise<void>;
  benchGrow(from: number, to: number): Promise<void>;
  benchInsert(key: string, body: string): Promise<void>;
}

/** What came of it: events or deliveries for loops that move them, what is open for `open`. */
export async function runLoop(env: Env, order: LoopOrder): Promise<number> {
  const { forMs, calls = forMs === undefined ? 1 : Infinity, together = 1 } = order;
  const untilMs = Date.now() + (forMs ?? Infinity);
  let begun = 0;
  let moved = 0;
  const lane = async (): Promise<void> => {
    while (begun < calls && Date.now() < untilMs) {
      begun += 1;
      const more = await act(env, order);
      moved += more;
    }
  };
  await Promise.all(Array.from({ length: together }, lane));
  return moved;
}

async function act(env: Env, order: LoopOrder): Promise<number> {
  const of = { tenant: order.tenant, shard: SHARD };
  const shard = eventShard(env, of) as BenchShard;
  switch (order.act) {
    case "ping":
      await shard.ping();
      return 1;
    case "insert": {
      const event = eventOf(order);
      await shard.benchInsert(event.key, JSON.stringify(event.event));
      return 1;
    }
    case "publish": {
      const events = Array.from({ length: order.size ?? 1 }, () => eventOf(order));
      const reply = await shard.publish(of, events);
      if (!reply.ok) throw new Error(JSON.stringify(reply.failure));
      return events.length;
    }
    case "consume":
      return consume(shard, order.size ?? 1);
    case "open":
      return shard.benchOpen();
    case "alarm":
      await shard.benchAlarm();
      return 0;
    case "refresh":
      await shard.refresh(of);
      return 0;
    case "grow":
      await shard.benchGrow(order.from ?? 0, order.size ?? 1);
      return 0;
    case "archive":
      await archiveEvents(env, order.tenant, order.sinceMs ?? 0);
      return 0;
  }
}

async function consume(shard: EventShardRpc, max: number): Promise<number> {
  const asked = { subscription: "pull-0", consumer: crypto.randomUUID(), max };
  const leased = await shard.lease(asked);
  if (leased.is === "idle") return 0;
  const acks = leased.deliveries.map(({ seq }) => ({ seq, is: "ack" }) as const);
  await shard.settle(leased.token, acks);
  return acks.length;
}

let made = 0;

/** About 300 bytes, as an order or a status is. */
function eventOf({ logged = false, partitions }: LoopOrder): ShardEvent {
  made += 1;
  const id = `evt-${made}-${crypto.randomUUID()}`;
  const partition_key = partitions === undefined ? {} : { partition_key: `p-${made % partitions}` };
  return {
    key: id,
    event: { ...eventBody(id), metadata: { ...partition_key } },
    bytes: 300,
    logged,
  };
}
