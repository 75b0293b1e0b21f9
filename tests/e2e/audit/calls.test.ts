/** Calls to other services stand in the trail of their tenant, and people's data and credentials in no trail at all. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { AuditEntry } from "../../../domain/audit/entry.ts";
import { fresh, unifiedMessage } from "../../support/api/requests.ts";
import { readAudit, trailOf, verified } from "../../support/audit.ts";
import { eventually } from "../../support/runtime.ts";
import { ALL_CREDENTIALS, EVERYTHING, found, PEOPLE } from "../../support/security/canaries.ts";
import { type MarginsWorld, startMarginsWorld } from "../../support/security/margins.ts";

const ACME = { tenant: "acme" };
let world: MarginsWorld;
const hub = () => world.world.hub;

/** The tenant's service: it answers what it is told to. */
let answer: readonly [number, unknown] = [200, { done: true }];
const service = createServer((request, response) => {
  request.resume();
  request.on("end", () => {
    response.writeHead(answer[0], { "content-type": "application/json" });
    response.end(JSON.stringify(answer[1]));
  });
});

beforeAll(async () => {
  world = await startMarginsWorld();
  await new Promise<void>((resolve) => service.listen(0, "127.0.0.1", resolve));
}, 180_000);
afterAll(async () => {
  service.close();
  await world?.stop();
});

/** Waits for an entry: it is written behind the call that it is about. */
const entry = (what: string, query: Readonly<Record<string, string>>) =>
  eventually(what, async () => (await trailOf(hub(), { ...ACME, ...query }))[0], 30_000);

async function operator(method: string, path: string, body: unknown): Promise<unknown> {
  const headers = { authorization: `Bearer ${hub().adminKey}`, "content-type": "application/json" };
  const answered = await fetch(hub().url + path, { method, headers, body: JSON.stringify(body) });
  const text = await answered.text();
  if (!answered.ok) throw new Error(`${method} ${path}: ${answered.status} ${text}`);
  return JSON.parse(text);
}

interface RunMade {
  readonly run: string;
}

/** How long a run may take on a busy machine, ms. */
const RUN_MS = 90_000;

async function endOf(run: string): Promise<string | undefined> {
  const { body } = await world.operator.get(`/runs/${run}?tenant=acme`);
  const { status } = body as { readonly status: string };
  return status === "completed" || status === "failed" ? status : undefined;
}

test("a turn's call of the tenant's own server, which fails", async () => {
  const called = await entry("the call", { action: "webhook.call" });
  expect(called).toMatchObject({
    actor: { kind: "channel" },
    outcome: "failed",
    code: "upstream_error",
  });
  expect(called.target.turn).toMatch(/^\w+/);
  expect(called.target.conversation).toMatch(/^cnv_/);
});

test("a turn's call of a Hive", async () => {
  await operator("PATCH", "/tenants/acme/connections/acme-slack", {
    route: { kind: "hive", baseUrl: "simulator", agent: "a", apiKey: "hive-key" },
  });
  const said = { ...unifiedMessage("acme", "acme-slack"), conversation_key: "C_AUDIT" };
  await operator("POST", "/messages/unified", {
    ...said,
    content: { text: PEOPLE.text, media: [] },
  });
  const called = await entry("the call", { action: "hive.call" });
  expect(called).toMatchObject({ actor: { kind: "channel", id: "acme-slack" } });
});

test.each<[number, unknown, Partial<AuditEntry>]>([
  [200, { done: true }, { outcome: "ok" }],
  [
    422,
    { error: { code: "no_room", message: PEOPLE.name } },
    { outcome: "refused", code: "no_room" },
  ],
])(
  "a workflow's call of a service that answers %i",
  { timeout: 180_000 },
  async (status, body, ended) => {
    answer = [status, body];
    const name = fresh("service").replaceAll("-", "");
    const id = fresh("calling");
    const { port } = service.address() as AddressInfo;
    const url = `http://127.0.0.1:${port}/`;
    await operator("PUT", `/workflow-services/${name}?tenant=acme`, { url });
    await operator("POST", "/workflows?tenant=acme", {
      ...{ id, name: "Calling", version: "1.0.0" },
      steps: [
        { id: "note", type: "action", action: "log.note", with: { code: "noted" }, next: "call" },
        { id: "call", type: "action", action: name, with: { who: PEOPLE.mail } },
      ],
    });
    const input = { mail: PEOPLE.mail };
    const run = (await operator("POST", `/workflows/${id}/runs?tenant=acme`, { input })) as RunMade;
    await eventually("the run's end", () => endOf(run.run), RUN_MS);
    const called = await entry("the call", { action: "service.call", target: name });
    expect(called).toMatchObject({
      actor: { kind: "workflow" },
      target: { step: "call" },
      ...ended,
    });
    const own = await trailOf(hub(), { ...ACME, actor: called.actor.id ?? "" });
    expect(own.map(({ action }) => action)).toEqual(["service.call"]);
  },
);

test("a call that may change something at a platform; looking leaves none", async () => {
  await operator("POST", "/instances/acme-whatsapp/restart", {});
  const called = await entry("the call", { action: "platform.call", target: "acme-whatsapp" });
  expect(called).toMatchObject({ actor: { kind: "system" }, target: { channel: "whatsapp" } });
});

test("what a tenant calls its own people stands as a fingerprint, what was made by its id", async () => {
  await operator("PUT", `/data/${encodeURIComponent(PEOPLE.mail)}?tenant=acme`, { value: 1 });
  const put = await entry("the write", { action: "putData" });
  expect(put.target.item).toMatch(/^sha256\.[0-9a-f]{16}$/);
  const key = (await operator("POST", "/tenants/acme/api-keys", {
    ...{ name: PEOPLE.name, scopes: ["tenants:read"] },
  })) as { readonly id: string; readonly key: string };
  const made = await entry("the key", { action: "createApiKey" });
  expect(made.target).toEqual({ tenant: "acme", made: key.id });
  expect(JSON.stringify(await trailOf(hub(), ACME))).not.toContain(key.key);
});

test("sends, deliveries and what comes in are rows of their own, not entries", async () => {
  const all = await trailOf(hub(), ACME);
  expect(all.filter(({ action }) => action === "sendMessage")).toEqual([]);
});

test("no trail, and nothing of it in R2, holds people's data or credentials", async () => {
  for (const query of [{}, ACME, { tenant: "globex" }]) {
    const text = await readAudit<string>(hub(), "/export", query);
    expect(found(text, { ...EVERYTHING, ...ALL_CREDENTIALS })).toEqual([]);
    expect(await verified(hub(), query)).toMatchObject({ ok: true });
  }
  expect((await readAudit<string>(hub(), "/export", ACME)).split("\n").length).toBeGreaterThan(8);
});
