/**
 * The hub with a back door for tests of workflows: definitions are stored, runs started, told and looked at as the API's
 * own operations do it, without keys. Also the Workflows instance of a run can be asked and ended from here.
 */
import type { RunEvent } from "../../../domain/workflows/run/events.ts";
import { throughSeam } from "../../../platform/fault-seam.ts";
import { writeData } from "../../../platform/repositories/tenant-data.ts";
import { insertVersion, replaceRoute } from "../../../platform/repositories/workflows.ts";
import { readRunState } from "../../../platform/workflow-archive.ts";
import { instanceIdOf } from "../../../platform/workflow-ids.ts";
import { workflowRun } from "../../../platform/workflow-runs.ts";
import { WorkflowDefinition } from "../../../schema/workflow.ts";
import hub from "../../../workers/hub.ts";
import { SERVICES_KEY } from "../../../workers/workflows/actions/service.ts";
import { startRun } from "../../../workers/workflows/start.ts";

export * from "../../../workers/hub.ts";

interface Asked {
  readonly tenant: string;
  readonly run: string;
  readonly workflow: string;
  readonly definition: unknown;
  readonly services: Readonly<Record<string, { readonly url: string }>>;
  readonly input: never;
  readonly key: string;
  readonly correlationId?: string;
  readonly event: RunEvent;
  readonly generation: number;
  readonly entries?: number;
}

const DOOR = "/_workflows/";

const DOORS: Readonly<Record<string, (env: Env, asked: Asked) => Promise<unknown>>> = {
  deploy: (env, { tenant, definition }) => deploy(env, tenant, definition),
  services: (env, { tenant, services }) =>
    writeData(env.DB, { tenant, key: SERVICES_KEY, value: services, nowMs: Date.now() }),
  start: (env, { tenant, workflow, input, key, correlationId }) =>
    startRun(env, {
      ...{ tenant, workflow, input, key, trigger: "api", nowMs: Date.now() },
      ...(correlationId === undefined ? {} : { correlationId }),
    }),
  send: (env, { tenant, run, event }) => workflowRun(env, { tenant, run }).send(event),
  state: async (env, { tenant, run, entries }) =>
    (await readRunState(env, { tenant, run }, entries)) ?? null,
  log: (env, { tenant, run }) => workflowRun(env, { tenant, run }).log(),
  terminate: async (env, { run, generation }) =>
    (await env.RUN_WORKFLOW.get(instanceIdOf(run, generation))).terminate(),
  remove: async (env, { run, generation }) =>
    (await env.RUN_WORKFLOW.get(instanceIdOf(run, generation))).delete(),
  instance: async (env, { run, generation }) => {
    try {
      return await (await env.RUN_WORKFLOW.get(instanceIdOf(run, generation))).status();
    } catch (error) {
      return { status: "missing", error: String(error) };
    }
  },
};

async function deploy(env: Env, tenant: string, given: unknown): Promise<unknown> {
  const definition = WorkflowDefinition.parse(given);
  const { id, name, version } = definition;
  const texts = { source: "", definition, digest: crypto.randomUUID(), createdAtMs: Date.now() };
  const stored = await insertVersion(env.DB, { tenant, id, version, name, ...texts });
  const route = { active: version, paused: false, updatedAtMs: Date.now() };
  await replaceRoute(env.DB, { tenant, id }, route, 0);
  return stored;
}

// biome-ignore lint/style/noDefaultExport: a Worker module is its default export
export default {
  async fetch(request, bindings, context) {
    const { pathname } = new URL(request.url);
    const door = pathname.startsWith(DOOR) ? DOORS[pathname.slice(DOOR.length)] : undefined;
    if (!door) return hub.fetch(request, bindings, context);
    const answer = await door(await throughSeam(bindings), (await request.json()) as Asked);
    return Response.json(answer ?? null);
  },
  queue: hub.queue,
  scheduled: hub.scheduled,
} satisfies ExportedHandler<Env>;
