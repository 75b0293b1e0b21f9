/** Requests about workflows, their runs, secrets and data. What an operation uses up is made anew each time. */
import { randomBytes } from "node:crypto";
import { BOOKING_BILLING } from "../../../domain/workflows/ready/booking-billing.ts";
import { actionsOf } from "../../../domain/workflows/ready/list.ts";
import { DATA_VALUE_CHARS_MAX } from "../../../platform/repositories/tenant-data.ts";
import { eventually } from "../runtime.ts";
import type { Planted } from "./plant.ts";
import type { ApiRequest } from "./requests.ts";
import type { PlantedWorld } from "./world.ts";

type Mine = Pick<Planted, "tenant" | "word">;
type Maker = (world: PlantedWorld, mine: Planted) => ApiRequest | Promise<ApiRequest>;

/** How long a run may take on a busy machine, ms. */
const PATIENCE_MS = 60_000;

const ofWorkflow: Maker = (_, { workflow }) => ({ params: { workflow } });
const ofRun: Maker = (_, { run }) => ({ params: { run } });
const nothing: Maker = () => ({});

/** By operationId. */
export const WORKFLOW_REQUESTS: Readonly<Record<string, Maker>> = {
  // The answer repeats the name, also to a stranger who uploads it.
  uploadWorkflow: () => ({ body: noting({ word: "a word" }, freshId("workflow")) }),
  validateWorkflow: () => ({ body: noting({ word: "a word" }, freshId("workflow")) }),
  getWorkflowSchema: nothing,
  listWorkflows: async (world, mine) => {
    await twoVersions(world, mine);
    return {};
  },
  getWorkflow: ofWorkflow,
  promoteWorkflow: async (world, mine) => ({
    ...(await twoVersions(world, mine)),
    body: { version: "2.0.0" },
  }),
  rollBackWorkflow: async (world, mine) => {
    const made = await twoVersions(world, mine);
    const path = `/workflows/${made.params.workflow}/promote?tenant=${mine.tenant}`;
    await world.must("POST", path, { version: "2.0.0" });
    return made;
  },
  rollOutWorkflow: async (world, mine) => ({
    ...(await twoVersions(world, mine)),
    body: { version: "2.0.0", percent: 10, keys: ["vip"] },
  }),
  endWorkflowRollout: twoVersions,
  pauseWorkflow: twoVersions,
  resumeWorkflow: twoVersions,
  deleteWorkflow: twoVersions,
  listWorkflowVersions: ofWorkflow,
  getWorkflowVersion: (_, { workflow }) => ({ params: { workflow, version: "1.0.0" } }),
  getWorkflowSource: (_, { workflow }) => ({ params: { workflow, version: "1.0.0" } }),
  diffWorkflowVersions: (_, { workflow }) => ({
    params: { workflow },
    query: { from: "1.0.0", to: "1.0.0" },
  }),
  getWorkflowGraph: (_, { workflow }) => ({ params: { workflow }, query: { format: "svg" } }),
  getWorkflowReport: (_, { workflow }) => ({ params: { workflow }, query: { window: "day" } }),
  listWorkflowActions: nothing,
  listWorkflowServices: nothing,
  putWorkflowService: () => ({
    params: { action: "planted.service" },
    body: { url: "https://services.example.com/in", timeout_ms: 1000 },
  }),
  deleteWorkflowService: freshService,
  listReadyWorkflows: nothing,
  installReadyWorkflow: async (world, { tenant }) => {
    for (const action of actionsOf(BOOKING_BILLING)) {
      const url = `https://services.example.com/${action}`;
      await world.must("PUT", `/workflow-services/${action}`, { tenant, url });
    }
    return { params: { ready: BOOKING_BILLING.id } };
  },
  startRun: ofNewRun,
  listRuns: async (world, mine) => {
    await twoRuns(world, mine, "noting");
    return { query: { status: "completed" } };
  },
  listFailedCompensations: async (world, mine) => {
    await twoRuns(world, mine, "stuck");
    return {};
  },
  getRun: ofRun,
  getRunSteps: ofRun,
  getRunValue: ofLargeValue,
  getRunState: (_, { run }) => ({ params: { run }, query: { step: "note" } }),
  getRunTimeline: ofRun,
  listRunAudit: ofRun,
  getRunGraph: ofRun,
  pauseRun: (world, mine) => keptRun(world, mine, "pause", UNDER_WAY),
  resumeRun: (world, mine) => keptRun(world, mine, "resume", UNDER_WAY),
  cancelRun: async (world, mine) => ({
    ...(await keptRun(world, mine, "cancel", UNDER_WAY)),
    body: {},
  }),
  signalRun: async (world, mine) => ({
    ...(await keptRun(world, mine, "signal", UNDER_WAY)),
    body: { name: "word", id: freshId("signal"), payload: { word: mine.word } },
  }),
  retryRun: async (world, mine) => ({
    ...(await keptRun(world, mine, "retry", FAILED)),
    body: { step: "second" },
  }),
  retryCompensation: (world, mine) => keptRun(world, mine, "undo", STUCK),
  listSecrets: async (world, mine) => {
    await freshSecret(world, mine);
    return {};
  },
  putSecret: (_, { word }) => ({ params: { secret: "planted" }, body: { value: word } }),
  deleteSecret: freshSecret,
  listData: async (world, mine) => {
    await freshData(world, mine);
    return {};
  },
  getData: freshData,
  putData: async (world, mine) => ({
    ...(await freshData(world, mine)),
    body: { value: { word: "a word" } },
  }),
  deleteData: freshData,
};

/** A workflow of the tenant, and a run of it that has ended and is told everywhere it ever will be. */
export async function plantWorkflow(
  world: PlantedWorld,
  mine: Mine,
): Promise<{ readonly workflow: string; readonly run: string }> {
  const { tenant } = mine;
  for (const definition of [
    listening(mine),
    failing(mine),
    stuck(mine),
    noting(mine, ofKind(mine, "noting")),
  ])
    await world.must("POST", `/workflows?tenant=${tenant}`, definition);
  const run = await endedRun(world, mine, "noting", {});
  await eventually(
    `the event of ${run}`,
    async () => {
      const query = { tenant, type: "workflow.run.completed" };
      const { text } = await world.ask("GET", "/events", { key: world.hub.adminKey, query });
      return text.includes(run) ? true : undefined;
    },
    PATIENCE_MS,
  );
  return { workflow: ofKind(mine, "noting"), run };
}

const ofKind = ({ tenant }: Mine, kind: string) => `${tenant}-${kind}`;
const freshId = (kind: string) => `${kind}-${randomBytes(5).toString("hex")}`;

const noting = ({ word }: Pick<Mine, "word">, id: string, version = "1.0.0") => ({
  ...{ id, version, name: `Notes of ${word}` },
  steps: [{ id: "note", type: "action", action: "transform", with: { word } }],
});
const listening = (mine: Mine) => ({
  ...{ id: ofKind(mine, "listening"), version: "1.0.0", name: mine.word },
  steps: [{ id: "hear", type: "event", signal: "word" }],
});
const failing = (mine: Mine) => ({
  ...{ id: ofKind(mine, "failing"), version: "1.0.0", name: mine.word },
  steps: [
    { id: "first", type: "set", values: { word: mine.word }, next: "second" },
    { id: "second", type: "fail", code: "sold_out" },
  ],
});
/** Its undo wants a key at a revision that it does not have. */
const stuck = (mine: Mine) => ({
  ...{ id: ofKind(mine, "stuck"), version: "1.0.0", name: mine.word },
  compensation: { book: "unbook" },
  steps: [
    { id: "book", type: "action", action: "transform", with: { word: mine.word }, next: "no" },
    { id: "no", type: "fail", code: "sold_out" },
    {
      ...{ id: "unbook", type: "action", action: "data.put" },
      with: { key: "{{ input.key }}", value: 1, revision: 1 },
    },
  ],
});

async function twoVersions(world: PlantedWorld, mine: Mine) {
  const workflow = freshId("workflow");
  for (const version of ["1.0.0", "2.0.0"])
    await world.must("POST", `/workflows?tenant=${mine.tenant}`, noting(mine, workflow, version));
  return { params: { workflow } };
}

function ofNewRun(_: PlantedWorld, { workflow, word }: Planted): ApiRequest {
  return { params: { workflow }, body: { input: { word }, correlation_id: word } };
}

async function started(world: PlantedWorld, mine: Mine, kind: string, input: object) {
  const path = `/workflows/${ofKind(mine, kind)}/runs?tenant=${mine.tenant}`;
  return (await world.must("POST", path, { input })).body.run as string;
}

/** What a run is of, and where an order still has something to say to it. */
interface Keeping {
  readonly kind: string;
  readonly statuses: readonly string[];
}

const UNDER_WAY: Keeping = { kind: "listening", statuses: ["waiting", "paused"] };
/** Both fail again however often they are tried. */
const FAILED: Keeping = { kind: "failing", statuses: ["failed"] };
const STUCK: Keeping = { kind: "stuck", statuses: ["compensation_failed"] };
const INPUT = { key: "nothing-here" };

/** By tenant and order. */
const kept = new Map<string, string>();

/** A run of this order's own: the same again while it can take the order, else another one. */
async function keptRun(world: PlantedWorld, mine: Mine, order: string, keeping: Keeping) {
  const place = `${mine.tenant} ${order}`;
  const statusOf = async (run: string) => {
    const query = { tenant: mine.tenant };
    const { body } = await world.ask("GET", `/runs/${run}`, { key: world.hub.adminKey, query });
    return String(body?.status);
  };
  const before = kept.get(place) ?? "";
  const status = before === "" ? "" : await statusOf(before);
  const comesBack = keeping !== UNDER_WAY && /^(?:running|compensating)$/.test(status);
  const usable = keeping.statuses.includes(status) || comesBack;
  const run = usable ? before : await started(world, mine, keeping.kind, INPUT);
  kept.set(place, run);
  const ready = async () => keeping.statuses.includes(await statusOf(run)) || undefined;
  await eventually(`${run} for ${order}`, ready, PATIENCE_MS);
  return { params: { run } };
}

/** So that a list of them has a second page. Their ends can be read in lists. */
async function twoRuns(world: PlantedWorld, mine: Mine, kind: string): Promise<void> {
  for (const which of ["first", "second"]) {
    const place = `${mine.tenant} ${kind} ${which}`;
    if (!kept.has(place)) kept.set(place, await endedRun(world, mine, kind, INPUT));
  }
}

/** Its end can be read in lists too. */
async function endedRun(
  world: PlantedWorld,
  mine: Mine,
  kind: string,
  input: object,
): Promise<string> {
  const run = await started(world, mine, kind, input);
  const db = await world.db();
  const probe = async () => {
    const sql = "SELECT id FROM workflow_runs WHERE tenant_id = ? AND id = ? AND ended_at > 0";
    const { results } = await db.prepare(sql).bind(mine.tenant, run).all();
    return results.length > 0 ? run : undefined;
  };
  return eventually(`the end of ${run}`, probe, PATIENCE_MS);
}

/** The largest value of data that there may be, read by a run: with what is said of it, it is too large for the run. */
async function ofLargeValue(world: PlantedWorld, mine: Mine) {
  const { tenant, word } = mine;
  const place = `${tenant} value`;
  const query = { tenant };
  if (!kept.has(place)) {
    const value = word.padEnd(DATA_VALUE_CHARS_MAX - 2, "x");
    await world.must("PUT", `/data/large?tenant=${tenant}`, { value });
    const get = { id: "get", type: "action", action: "data.get", with: { key: "large" } };
    const definition = { ...noting(mine, ofKind(mine, "reading")), steps: [get] };
    await world.must("POST", `/workflows?tenant=${tenant}`, definition);
    kept.set(place, await endedRun(world, mine, "reading", {}));
  }
  const run = kept.get(place) ?? "";
  const { body } = await world.ask("GET", `/runs/${run}`, { key: world.hub.adminKey, query });
  const output = body?.output as { readonly $large?: { readonly sha256: string } } | undefined;
  return { params: { run, sha256: output?.$large?.sha256 ?? "none" } };
}

async function freshService(world: PlantedWorld, { tenant }: Mine) {
  const action = freshId("service");
  const body = { url: "https://services.example.com/in" };
  await world.must("PUT", `/workflow-services/${action}?tenant=${tenant}`, body);
  return { params: { action } };
}

async function freshSecret(world: PlantedWorld, { tenant, word }: Mine) {
  const secret = freshId("secret");
  await world.must("PUT", `/secrets/${secret}?tenant=${tenant}`, { value: word });
  return { params: { secret } };
}

async function freshData(world: PlantedWorld, { tenant, word }: Mine) {
  const item = freshId("item");
  await world.must("PUT", `/data/${item}?tenant=${tenant}`, { value: { word } });
  return { params: { item } };
}
