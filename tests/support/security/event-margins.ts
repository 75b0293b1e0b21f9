/**
 * The canaries again, through everything that has to do with events: published and refused, delivered to an endpoint
 * that fails and talks, leased, dead, replayed, archived, and run through a workflow with a tenant's own secret.
 */
import { type ApiAnswer, apiOf } from "../channels/api.ts";
import type { Customer } from "../channels/customer.ts";
import { startCustomer } from "../channels/customer.ts";
import { eventually } from "../runtime.ts";
import { CANARY_TEXT, EVENT_CREDENTIALS, PEOPLE } from "./canaries.ts";
import type { MarginsWorld } from "./margins.ts";

const TYPE = "order.made";
const HOURS_LATER_MS = 2 * 3_600_000;
/** What everybody's data is called here: a name of a person, in every member that is about an event. */
const DATA = { person: PEOPLE.name, text: CANARY_TEXT, phone: PEOPLE.phone } as const;

export interface EventMargins {
  readonly endpoint: Customer;
  /** The run that had a person's data as its input, and was answered by an endpoint that repeats it. */
  readonly run: string;
  readonly replay: string;
  /** Objects of the archive, by key. */
  readonly archived: () => Promise<ReadonlyMap<string, string>>;
  readonly stop: () => void;
}

/** Plants all of it in acme; resolves when everything has ended. */
export async function plantEvents(world: MarginsWorld): Promise<EventMargins> {
  const endpoint = await startCustomer();
  const since = new Date(Date.now() - 60_000).toISOString();
  await subscribe(world, endpoint);
  endpoint.answers.push(...Array.from({ length: 50 }, () => [500, PEOPLE.agentSaid] as const));
  await publish(world);
  await refusePublished(world);
  await eventually("an attempt and its dead letter", () => isDead(world), 30_000);
  const { body } = await must(world.acme.post("/replays", { since, subscription: "pulled" }), 202);
  const replay = String(body.id);
  await eventually("the end of the replay", () => hasEnded(world, `/replays/${replay}`), 30_000);
  const run = await runWorkflow(world, endpoint);
  await archive(world);
  return {
    endpoint,
    run,
    replay,
    archived: () => objects(world),
    stop: () => endpoint.server.close(),
  };
}

async function subscribe(world: MarginsWorld, endpoint: Customer): Promise<void> {
  const bindings = [{ kind: "direct", key: TYPE }];
  const retry = { kind: "listed", waits_s: [] };
  const secrets = [EVENT_CREDENTIALS.subscriptionSecret];
  const target = { kind: "webhook", url: `${endpoint.url}/hook`, secrets };
  const { operator } = world;
  const assumed = { ownership: "assumed", retry, bindings };
  await must(
    operator.post("/subscriptions?tenant=acme", { id: "failing", name: "f", target, ...assumed }),
    201,
  );
  const pull = { id: "pulled", name: "p", bindings, target: { kind: "pull" } };
  await must(world.acme.post("/subscriptions", pull), 201);
  const heard = { ...pull, id: "heard", bindings: [{ kind: "topic", key: "message.#" }] };
  await must(world.acme.post("/subscriptions", heard), 201);
}

async function publish({ acme }: MarginsWorld): Promise<void> {
  await must(acme.post("/event-types", { name: TYPE, version: "1.0", schema: true }), 201);
  const events = [1, 2].map((n) => ({
    ...{ event_type: TYPE, event_id: `evt-margin-${n}`, data: { n, ...DATA } },
  }));
  await must(acme.post("/events", { events }), 202);
}

/** Every kind of refusal, with a person in the value that is wrong. */
async function refusePublished(world: MarginsWorld): Promise<void> {
  const { acme, globex, refusals } = world;
  const schema = { type: "object", properties: { phone: { type: "integer" } } };
  await must(acme.post("/event-types", { name: "order.checked", version: "1.0", schema }), 201);
  const { subscriptionSecret } = EVENT_CREDENTIALS;
  const answers = [
    await acme.post("/events", { event_type: "order.checked", data: DATA }),
    await acme.post("/events", { event_type: TYPE, data: DATA, priority: PEOPLE.phone }),
    await acme.post("/events", { event_type: CANARY_TEXT, data: DATA }),
    await acme.post("/subscriptions", {
      ...{ name: PEOPLE.name, bindings: [], target: { kind: "pull" } },
    }),
    await acme.post("/subscriptions", {
      ...{ name: "x", bindings: [{ kind: "fanout" }] },
      target: { kind: "webhook", url: "http://10.0.0.1", secrets: [subscriptionSecret, 5] },
    }),
    await globex.get("/events/evt-margin-1"),
    await globex.post("/subscriptions/pulled/lease", {}),
    await apiOf(world.world.hub.url, "no-key").post("/events", { event_type: TYPE, data: DATA }),
  ];
  for (const { status, body } of answers) {
    if (status < 400) throw new Error(`accepted: ${JSON.stringify(body)}`);
    refusals.push(JSON.stringify(body));
  }
}

async function isDead({ acme }: MarginsWorld): Promise<true | undefined> {
  const attempts = await acme.items("/subscriptions/failing/deliveries");
  const letters = await acme.items<{ readonly stage: string }>("/dead-letters?limit=100");
  const events = letters.filter(({ stage }) => stage === "event");
  return attempts.length >= 2 && events.length >= 2 ? true : undefined;
}

async function hasEnded({ acme }: MarginsWorld, path: string): Promise<true | undefined> {
  const { body } = await acme.get(path);
  const state = String(body.state ?? body.status);
  return ["queued", "pending", "running", "waiting"].includes(state) ? undefined : true;
}

/** A step with a secret of the tenant, whose endpoint says the secret and a person's name back, and fails. */
async function runWorkflow(world: MarginsWorld, endpoint: Customer): Promise<string> {
  const { acme, operator } = world;
  const { tenantSecret } = EVENT_CREDENTIALS;
  await must(acme.put("/secrets/margin-key", { value: tenantSecret }), 204);
  const url = `${endpoint.url}/service`;
  await must(
    operator.put("/workflow-services/margin.call", { tenant: "acme", url }),
    [200, 201, 204],
  );
  const definition = {
    ...{ id: "margins", version: "1.0.0", name: "Margins" },
    steps: [
      { id: "keep", type: "set", values: { person: "{{ input.person }}" }, next: "call" },
      {
        ...{ id: "call", type: "action", action: "margin.call" },
        with: { person: "{{ input.person }}", key: { $secret: "margin-key" } },
        ...{ retry: { attempts: 1 } },
      },
    ],
  };
  await must(acme.post("/workflows", definition), 201);
  endpoint.answers.length = 0;
  endpoint.answers.push(
    ...Array.from({ length: 9 }, () => [422, `${PEOPLE.name} ${tenantSecret}`] as const),
  );
  const { body } = await must(
    acme.post("/workflows/margins/runs", { input: { person: PEOPLE.name, text: CANARY_TEXT } }),
    [201, 202],
  );
  const run = String(body.run);
  await eventually("the end of the run", () => hasEnded(world, `/runs/${run}`), 30_000);
  return run;
}

/** As if the hour were over. */
async function archive({ world: { hub } }: MarginsWorld): Promise<void> {
  const worker = await hub.mf.getWorker("omni-edge");
  const scheduledTime = new Date(Date.now() + HOURS_LATER_MS);
  const { outcome } = await worker.scheduled({ cron: "7 * * * *", scheduledTime });
  if (outcome !== "ok") throw new Error(`the archive ended ${outcome}`);
}

async function objects({ world: { hub } }: MarginsWorld): Promise<ReadonlyMap<string, string>> {
  const store = await hub.mf.getR2Bucket("STORE");
  const { objects: listed } = await store.list();
  const texts = await Promise.all(
    listed.map(async ({ key }) => {
      const object = await store.get(key);
      return [key, Buffer.from((await object?.arrayBuffer()) ?? []).toString("latin1")] as const;
    }),
  );
  return new Map(texts);
}

async function must(
  asked: Promise<ApiAnswer>,
  status: number | readonly number[],
): Promise<ApiAnswer> {
  const answer = await asked;
  if (![status].flat().includes(answer.status)) {
    throw new Error(`${answer.status}: ${JSON.stringify(answer.body)}`);
  }
  return answer;
}
