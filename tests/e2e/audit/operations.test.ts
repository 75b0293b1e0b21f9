/** Every operation of the hub's own document: what may change something leaves one entry, whoever asks, and nothing else does. */
import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { NOTED_READS, OWN_ROWS } from "../../../workers/operations/audit-operation.ts";
import { isDoor, type Operation } from "../../support/api/document.ts";
import { pathOf, REQUESTS } from "../../support/api/requests.ts";
import { AUTHORISATION, expectedStatus, proofOf, type Role } from "../../support/api/roles.ts";
import { type ApiWorld, startApiWorld } from "../../support/api/world.ts";
import { readAudit, trailOf, verified } from "../../support/audit.ts";
import { eventually } from "../../support/runtime.ts";

vi.setConfig({ testTimeout: 300_000 });

let world: ApiWorld;
beforeAll(async () => {
  world = await startApiWorld();
});
afterAll(() => world?.stop());

const isOpen = ({ id }: Operation) => "everyone" in (AUTHORISATION[id] ?? {});
const guarded = () => world.operations.filter((one) => !isDoor(one) && !isOpen(one));
const isExpected = ({ id, method }: Operation) =>
  id !== "postWorkflowHook" &&
  (NOTED_READS.has(id) || (method.toLowerCase() !== "get" && !OWN_ROWS.has(id)));

/** One request under a trace of its own. */
async function asked(role: Role, operation: Operation): Promise<{ trace: string; status: number }> {
  const trace = randomBytes(16).toString("hex");
  const made = await REQUESTS[operation.id]?.(world, world.acme);
  const { query: proof = {}, ...key } = proofOf(world, role);
  const isBound = operation.parameters.some(
    ({ name, in: at }) => name === "tenant" && at === "query",
  );
  const tenant = role === "operator" && isBound ? { tenant: world.acme.tenant } : {};
  const { status } = await world.ask(operation.method, pathOf(operation.path, made?.params), {
    ...key,
    query: Object.assign({}, made?.query, tenant, proof),
    headers: { traceparent: `00-${trace}-${randomBytes(8).toString("hex")}-01` },
    body: made?.body,
  });
  return { trace, status };
}

/** The hub's own trail and the tenants', by the queries that name them. */
const trails = (): readonly Readonly<Record<string, string>>[] => [
  {},
  { tenant: world.acme.tenant },
  { tenant: world.globex.tenant },
];

/** Entries under a trace, of all trails. */
async function entriesOf(trace: string) {
  const found = await Promise.all(
    trails().map(async (trail) =>
      (await trailOf(world.hub, { trace, ...trail })).map((entry) => ({
        ...entry,
        trail: trail.tenant ?? "hub",
      })),
    ),
  );
  return found.flat();
}

const ACTORS = { all: "key", none: "key", foreign: "key", operator: "operator" } as const;

test.each(["all", "none", "foreign", "operator"] as const)("asked by %s", async (role) => {
  const calls: (Awaited<ReturnType<typeof asked>> & { operation: Operation })[] = [];
  for (const operation of guarded()) calls.push({ operation, ...(await asked(role, operation)) });
  for (const { operation, trace, status } of calls) {
    const own = (entry: { action: string }) => entry.action === operation.id;
    if (!isExpected(operation)) {
      expect([operation.id, (await entriesOf(trace)).filter(own)]).toEqual([operation.id, []]);
      continue;
    }
    const found = await eventually(operation.id, async () => {
      const entries = (await entriesOf(trace)).filter(own);
      return entries.length > 0 ? entries : undefined;
    });
    expect(found, operation.id).toHaveLength(1);
    const [entry] = found;
    const outcome = status >= 500 ? "failed" : status >= 400 ? "refused" : "ok";
    expect([operation.id, entry?.outcome, entry?.status]).toEqual([operation.id, outcome, status]);
    expect(entry?.actor.kind).toBe(ACTORS[role]);
    // What only the operator may do stands in the hub's own, and so does what the operator tried in vain.
    const hubs = status >= 400 || expectedStatus(operation.id, "all") === 403;
    if (role === "operator")
      expect([operation.id, entry?.trail]).toEqual([operation.id, hubs ? "hub" : "acme"]);
    if (role === "foreign") expect(entry?.trail).toBe(world.globex.tenant);
    if (role === "all" || role === "none") expect(entry?.trail).toBe(world.acme.tenant);
  }
});

test("all of it is as it was written, and says nothing that only its owner may know", async () => {
  const { hub, acme, globex } = world;
  for (const query of trails()) expect(await verified(hub, query)).toMatchObject({ ok: true });
  const theirs = await readAudit<string>(hub, "/export", { tenant: globex.tenant });
  const hubs = await readAudit<string>(hub, "/export");
  expect(theirs.length).toBeGreaterThan(1000);
  for (const text of [theirs, hubs]) {
    expect(text).not.toContain(acme.word);
    expect(text).not.toContain(globex.word);
  }
});

test("a stranger leaves none, and is counted", async () => {
  const operation = guarded().find(({ id }) => id === "createConnection") as Operation;
  const { trace, status } = await asked("wrong", operation);
  expect(status).toBe(401);
  const metrics = await eventually("the count", async () => {
    const { text } = await world.ask("GET", "/metrics", { key: world.hub.adminKey });
    return /^auth_failures_total \d+/m.exec(text)?.[0];
  });
  expect(metrics).toMatch(/[1-9]/);
  expect(await entriesOf(trace)).toEqual([]);
});
