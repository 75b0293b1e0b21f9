/** Publishing while what it needs is away, and of whatever anybody may send: asked to come again, or told what is wrong. */
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { type Answer, env } from "../api/hub-api.ts";
import { type PublishApi, publishApi } from "./publish-api.ts";

const ORDER = { type: "object", required: ["id"] };

let api: PublishApi;
let keys = 0;
beforeAll(async () => {
  api = await publishApi();
  await api.declare("order.paid", ORDER);
  await api.declare("anything.goes");
});

const told = ({ status, body }: Answer) => [status, body?.code, body?.reason].filter(Boolean);
const post = (body: unknown, headers: Record<string, string> = {}) =>
  api.ask("POST", "/events", body, { headers });
const order = () => {
  keys += 1;
  return { event_type: "order.paid", data: { id: `${keys}` } };
};

describe("what cannot be asked for now", () => {
  const broken = (message: string) => ({
    getByName: () => ({ publish: () => Promise.reject(new Error(message)) }),
  });
  const full = {
    getByName: () => ({
      publish: async () => ({
        ...{ ok: false, failure: { reason: "backlog_full", depth: 1, retryAfterSeconds: 7 } },
      }),
    }),
  };

  test.each<[string, object, unknown[], string]>([
    ["a shard that does not answer", { EVENT_SHARD: broken("gone") }, [503, "unavailable"], "2"],
    ["a shard that is full", { EVENT_SHARD: full }, [429, "rate_limited", "backlog_full"], "7"],
  ])("%s: come again, nothing is taken", async (_, bindings, wanted, after) => {
    const other = await publishApi({}, bindings as Record<string, unknown>);
    await other.declare("order.paid", ORDER);
    for (const body of [order(), { events: [order(), order()] }]) {
      const answer = await other.ask("POST", "/events", body);
      expect(told(answer).slice(0, 2)).toEqual(wanted.slice(0, 2));
      expect(answer.headers.get("retry-after")).toBe(after);
    }
  });

  test("the registry: come again", async () => {
    let isDown = false;
    const DB = new Proxy(env.DB, {
      get(db, name) {
        const value = Reflect.get(db, name) as unknown;
        if (typeof value !== "function") return value;
        return (sql: string, ...more: unknown[]) => {
          if (isDown && /event_type/.test(String(sql))) throw new Error("D1 is down");
          return value.call(db, sql, ...more);
        };
      },
    });
    const other = await publishApi({ TENANT_CACHE_MS: 0 }, { DB });
    await other.declare("order.paid", ORDER);
    isDown = true;
    expect(told(await other.ask("POST", "/events", order()))).toEqual([503, "unavailable"]);
    isDown = false;
    expect((await other.ask("POST", "/events", order())).status).toBe(202);
  });
});

test("whatever is sent is answered, and never by a failure", async () => {
  const types = fc.constantFrom("order.paid", "anything.goes", "message.sent", "order.payd");
  const member = fc.oneof(fc.jsonValue(), fc.string(), fc.integer());
  const event = fc.oneof(
    fc.jsonValue(),
    fc.record(
      {
        event_type: fc.oneof({ weight: 4, arbitrary: types }, { weight: 1, arbitrary: member }),
        data: fc.jsonValue(),
        ...Object.fromEntries(
          [
            "event_id",
            "event_version",
            "timestamp",
            "source",
            "idempotency_key",
            "partition_key",
            "priority",
            "ttl_ms",
            "delay_ms",
            "metadata",
          ].map((name) => [name, member] as const),
        ),
      },
      { requiredKeys: ["event_type"] },
    ),
  );
  const body = fc.oneof(event, fc.record({ events: fc.array(event, { maxLength: 5 }) }));
  const headers = fc.record(
    {
      "content-type": fc.constantFrom(
        ...[
          "application/json",
          "application/cloudevents+json",
          "application/cloudevents-batch+json",
          "text/plain",
        ],
      ),
      "ce-specversion": fc.constantFrom("1.0", "2", "%ff"),
      "ce-id": fc.constantFrom("1", '"', "%41"),
      "ce-source": fc.constantFrom("/a", "", "%00"),
      "ce-type": fc.constantFrom("order.paid", "anything.goes", "%"),
    },
    { requiredKeys: ["content-type"] },
  );
  await fc.assert(
    fc.asyncProperty(body, headers, async (sent, named) => {
      const { status } = await post(JSON.stringify(sent), named);
      expect([202, 207, 400, 413, 415, 422]).toContain(status);
    }),
    { numRuns: 300 },
  );
}, 60_000);
