/**
 * The document against the running hub: requests made up from it, right and wrong, and every answer held to
 * what it says. Seeded: `API_FUZZ_SEED` repeats a run, `API_FUZZ_RUNS` is the number of requests per operation.
 */
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { isDoor, type Operation } from "../../support/api/document.ts";
import { type MadeUp, requestsOf } from "../../support/api/generate.ts";
import { pathOf, REQUESTS } from "../../support/api/requests.ts";
import { expectedStatus } from "../../support/api/roles.ts";
import { faultsOf } from "../../support/api/validate.ts";
import { type Answer, type ApiWorld, startApiWorld } from "../../support/api/world.ts";
import { eventually } from "../../support/runtime.ts";

const SEED = Number(process.env.API_FUZZ_SEED ?? 20_261_121);
const RUNS = Number(process.env.API_FUZZ_RUNS ?? 48);
/** Time for all of them on a busy machine, ms. */
const WHOLE_MS = 1_200_000;
/** Requests under way at once. */
const LANES = 4;
/** Requests that share what their operation uses up (a connection that is there to be deleted). */
const PER_OWN = 6;

/** Beyond 500, only an outside party that was asked and failed. */
const ASKS_A_PLATFORM = new Set([
  "createInstance",
  "getInstance",
  "getInstanceQr",
  "connectInstance",
  "restartInstance",
  "logoutInstance",
  "deleteInstance",
  "finishSlackInstall",
]);

/** What the operator does to a tenant is done to another one, or the rest had nothing left to work with. */
const SPARED = new Set(["updateTenant", "deleteTenant"]);
const SPARE = "spare";

let world: ApiWorld;

beforeAll(async () => {
  world = await startApiWorld();
  await world.must("POST", "/tenants", { id: SPARE });
  const limits = { requestsPerMinute: 1_000_000, messagesPerMinute: 1_000_000 };
  await world.must("PATCH", "/tenants/acme", { config: { limits } });
});
afterAll(() => world?.stop());

/** What is wrong with an answer, measured by the document; nothing for a right one. */
function breaches(operation: Operation, answer: Answer): readonly string[] {
  const { status, headers, text, body } = answer;
  if (status >= 500 && !(ASKS_A_PLATFORM.has(operation.id) && [502, 504].includes(status)))
    return [`${status}`];
  const documented = operation.responses[String(status)] ?? operation.responses.default;
  if (!documented) return [`${status} is not in the document`];
  if (!operation.responses[String(status)] && status < 400)
    return [`${status} is not in the document`];
  if (!documented.content) return text === "" ? [] : [`${status} has a body: ${text.slice(0, 80)}`];
  const type = headers.get("content-type")?.split(";")[0] ?? "";
  const content = documented.content[type];
  if (!content) return [`${status} comes as ${type}`];
  if (status >= 400) return [...problemBreaches(answer), ...schemaBreaches(content.schema, body)];
  return type === "application/json" ? schemaBreaches(content.schema, body, true) : [];
}

function schemaBreaches(schema: object | undefined, body: unknown, closed = false) {
  if (!schema) return ["no schema"];
  if (body === undefined) return ["no JSON"];
  return faultsOf(world.document, schema, body, { closed });
}

function problemBreaches({ status, headers, body }: Answer): readonly string[] {
  if (headers.get("content-type") !== "application/problem+json") return ["no problem"];
  const { title, code } = body as { title?: unknown; code?: unknown };
  const told = typeof title === "string" && typeof code === "string" && body.status === status;
  return told ? [] : [`a problem of status ${body.status}, code ${String(code)}`];
}

interface Tried {
  readonly operation: string;
  readonly made: MadeUp;
  readonly answer: Answer;
  readonly breaches: readonly string[];
}

async function tryOut(operation: Operation, runs: number): Promise<readonly Tried[]> {
  const tried: Tried[] = [await tryRight(operation)];
  for (let batch = 0; batch * PER_OWN < runs; batch += 1) {
    const own = await REQUESTS[operation.id]?.(world, world.acme);
    const base = { path: own?.params ?? {}, query: own?.query ?? {}, body: own?.body };
    const made = fc.sample(requestsOf(world.document, operation, base, known(operation)), {
      numRuns: PER_OWN,
      seed: SEED + batch,
    });
    for (const [index, one] of made.entries()) {
      const answer = await send(operation, one, index % 3 === 2);
      tried.push({
        operation: operation.id,
        made: one,
        answer,
        breaches: breaches(operation, answer),
      });
    }
  }
  return tried;
}

/** The request that is known to be right, by whoever may make it. */
async function tryRight(operation: Operation): Promise<Tried> {
  const own = await REQUESTS[operation.id]?.(world, world.acme);
  const made = { path: own?.params ?? {}, query: own?.query ?? {}, body: own?.body, headers: {} };
  const answer = await send(operation, made, expectedStatus(operation.id, "all") === 403);
  return { operation: operation.id, made, answer, breaches: breaches(operation, answer) };
}

/** Ids that are there, for all but what would use them up. */
function known({ id }: Operation): Readonly<Record<string, readonly string[]>> {
  if (/^(?:update|delete|revoke|discard|logout)/.test(id)) return { baseUrl: ["simulator"] };
  const { tenant, connections, conversation, message, rule, deadLetter, apiKey } = world.acme;
  return {
    tenant: [tenant],
    connection: Object.values(connections),
    conversation: [conversation],
    message: [message],
    rule: [rule],
    deadLetter: [deadLetter],
    key: [apiKey],
    baseUrl: ["simulator"],
  };
}

/** Every third request comes from the operator, whom nothing but the schema stops. */
function send(operation: Operation, { path, query, body, headers }: MadeUp, asOperator: boolean) {
  const bound = operation.parameters.some(
    ({ name, in: at }) => name === "tenant" && at === "query",
  );
  const spared = asOperator && SPARED.has(operation.id) && path.tenant === "acme";
  const params = spared ? { ...path, tenant: SPARE } : path;
  return world.ask(operation.method, pathOf(operation.path, params), {
    key: asOperator ? world.hub.adminKey : world.acme.keys.all,
    query: asOperator && bound ? { tenant: "acme", ...query } : query,
    headers,
    body,
  });
}

/** One line for each kind of breach, with a request that shows it. */
function brokenOf(all: readonly Tried[]): readonly string[] {
  const kinds = Map.groupBy(
    all.filter((one) => one.breaches.length > 0),
    (one) => `${one.operation}: ${one.breaches[0]?.replaceAll(/\d+/g, "n")}`,
  );
  return [...kinds].map(
    ([kind, [first, ...more]]) =>
      `${kind} (${more.length + 1}): ${JSON.stringify(first?.made).slice(0, 600)} -> ${first?.answer.text.slice(0, 300)}`,
  );
}

describe(`made-up requests (seed ${SEED})`, () => {
  const all: Tried[] = [];

  test(
    "get answers that the document describes, and never a failure",
    async () => {
      const operations = world.operations.filter((one) => !isDoor(one));
      const lanes = Array.from({ length: LANES }, async (_, lane) => {
        for (const [index, operation] of operations.entries()) {
          if (index % LANES !== lane) continue;
          all.push(...(await tryOut(operation, RUNS)));
        }
      });
      await Promise.all(lanes);
      expect(brokenOf(all)).toEqual([]);
      expect(all.length).toBeGreaterThan(RUNS * 45);
    },
    WHOLE_MS,
  );

  test("were right and wrong in every operation that can be either", () => {
    const silent = world.operations.filter((operation) => {
      const mine = all.filter((one) => one.operation === operation.id);
      return mine.length > 0 && !mine.some(({ answer }) => answer.status < 400);
    });
    expect(silent.map(({ id }) => id)).toEqual(["finishSlackInstall"]);
    const refused = all.filter(({ answer }) => answer.status >= 400).length;
    expect(refused / all.length).toBeGreaterThan(0.2);
    expect(refused / all.length).toBeLessThan(0.8);
  });

  test("left the hub well", async () => {
    // A dependency that answers late, on a busy machine, is only degraded; it has to come back.
    await eventually("a healthy hub", async () =>
      (await world.ask("GET", "/health")).body.status === "healthy" ? true : undefined,
    );
    const own = await world.ask("GET", "/tenants/acme", { key: world.acme.keys.all });
    expect(own.status).toBe(200);
  });
});
