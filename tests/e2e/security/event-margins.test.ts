/**
 * People's data and credentials in everything that has to do with events: a tenant's events, dead letters, archive and
 * the log of its deliveries may hold what was published; nothing else may, and credentials stand nowhere in the open.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  ALL_CREDENTIALS,
  EVENT_CREDENTIALS,
  found,
  PASTED,
  PEOPLE,
} from "../../support/security/canaries.ts";
import { type EventMargins, plantEvents } from "../../support/security/event-margins.ts";
import { type MarginsWorld, startMarginsWorld } from "../../support/security/margins.ts";

const SLOTS = [0, 1, 2];
/** What was published, what became of it, and what the tenant's own endpoint said: of the tenant, for the tenant. */
const STORES = [
  ...SLOTS.flatMap((slot) => [`messages_${slot}`, `events_${slot}`, `delivery_attempts_${slot}`]),
  ...["pending_statuses", "conversations", "aliases", "dead_letters"],
];
const SECRETS = { ...ALL_CREDENTIALS, ...EVENT_CREDENTIALS };
const ALL = { ...PEOPLE, pasted: PASTED, ...SECRETS };

const ARCHIVE = `/archive?kind=events&since=${new Date(Date.now() - 86_400_000).toISOString()}`;

let world: MarginsWorld;
let events: EventMargins;
beforeAll(async () => {
  world = await startMarginsWorld();
  events = await plantEvents(world);
}, 180_000);
afterAll(async () => {
  events?.stop();
  await world?.stop();
});

test("the canaries were planted: events, dead letters and the endpoint have them", async () => {
  const tables = await world.tables();
  const text = (name: string) => JSON.stringify(tables.get(name));
  expect(found(SLOTS.map((slot) => text(`events_${slot}`)).join(""))).toContain("phone");
  const letters = (tables.get("dead_letters") ?? []).filter(({ stage }) => stage === "event");
  expect(found(JSON.stringify(letters))).toContain("name");
  expect(events.endpoint.calls.some(({ raw }) => raw.includes(PEOPLE.phone))).toBe(true);
  expect(
    events.endpoint.calls.some(({ raw }) => raw.includes(EVENT_CREDENTIALS.tenantSecret)),
  ).toBe(true);
});

test("tables beside them have neither people nor credentials, and other tenants have nothing", async () => {
  for (const [table, rows] of await world.tables()) {
    expect([table, found(JSON.stringify(rows), SECRETS)]).toEqual([table, []]);
    const people = found(JSON.stringify(rows), { ...PEOPLE, pasted: PASTED });
    if (!STORES.includes(table)) expect([table, people]).toEqual([table, []]);
    const foreign = rows.filter((row) => row.tenant_id !== "acme");
    expect([table, found(JSON.stringify(foreign), ALL)]).toEqual([table, []]);
  }
});

describe("what leaves the hub", () => {
  test("log lines, metrics, spans and problems", async () => {
    const margins = {
      logs: world.logs.join("\n"),
      metrics: await world.metrics(),
      own: JSON.stringify(await world.acme.get("/metrics")),
      spans: world.collector.bodies.join("\n"),
      problems: world.refusals.join("\n"),
    };
    expect(margins.logs).toContain("subscription.delivered");
    expect(margins.metrics).toContain("events_");
    const finds = Object.entries(margins).map(([name, text]) => [name, found(text, ALL)]);
    expect(finds).toEqual(Object.keys(margins).map((name) => [name, []]));
  });

  test("the views of subscriptions, attempts, replays, archive and runs show no credential, and no person but in what was published", async () => {
    const { run, replay } = events;
    const paths = [
      "/subscriptions",
      "/subscriptions/failing",
      "/subscriptions/failing/stats",
      "/replays",
      `/replays/${replay}`,
      ARCHIVE,
      "/secrets",
      "/workflows",
      "/runs",
      `/runs/${run}/timeline`,
      `/runs/${run}/audit`,
      `/runs/${run}/graph`,
    ];
    for (const path of paths) {
      const { status, body } = await world.acme.get(path);
      expect([path, status, found(JSON.stringify(body), ALL)]).toEqual([path, 200, []]);
    }
    // A run's own pages show its tenant what went in and came out of its steps; never the secret a step was given.
    for (const path of [`/runs/${run}`, `/runs/${run}/steps`, `/runs/${run}/state`]) {
      const { status, body } = await world.acme.get(path);
      expect([path, status, found(JSON.stringify(body), SECRETS)]).toEqual([path, 200, []]);
    }
    for (const { id } of await world.acme.items<{ id: string }>(
      "/subscriptions/failing/deliveries",
    )) {
      const { body } = await world.acme.get(`/deliveries/${id}`);
      expect(found(JSON.stringify(body), SECRETS)).toEqual([]);
    }
  });

  test("another tenant reads nothing of it", async () => {
    const { run, replay } = events;
    const paths = [
      "/events",
      "/events/evt-margin-1",
      "/events/evt-margin-1/deliveries",
      "/subscriptions",
      "/subscriptions/failing",
      "/subscriptions/failing/deliveries",
      "/replays",
      `/replays/${replay}`,
      ARCHIVE,
      "/dead-letters",
      "/secrets",
      "/workflows",
      "/runs",
      `/runs/${run}`,
      `/runs/${run}/state`,
    ];
    for (const path of paths) {
      const { status, body } = await world.globex.get(path);
      expect([path, status < 500, found(JSON.stringify(body), ALL)]).toEqual([path, true, []]);
    }
  });
});

test("the archive keeps acme's data in acme's objects, and no credential in any", async () => {
  const archived = await events.archived();
  const own = [...archived].filter(([key]) => key.includes("/acme/"));
  expect(found(JSON.stringify([...archived.keys()]), ALL)).toEqual([]);
  expect(own.length).toBeGreaterThan(0);
  for (const [key, text] of archived) {
    expect([key, found(text, SECRETS)]).toEqual([key, []]);
    if (!key.includes("/acme/")) expect([key, found(text, ALL)]).toEqual([key, []]);
  }
});

test("no file of the hub's state has a credential in the open", () => {
  const finds = [...world.files()].map(([path, text]) => [path, found(text, SECRETS)] as const);
  expect(finds.filter(([, names]) => names.length > 0)).toEqual([]);
});
