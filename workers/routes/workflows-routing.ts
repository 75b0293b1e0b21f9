/** Which version new runs of a workflow get: promote, roll back, roll out; and whether any start at all. */
import * as z from "zod";
import { HubError } from "../../domain/errors.ts";
import { databaseFor } from "../../platform/database.ts";
import { findVersion, type WorkflowRoute } from "../../platform/repositories/workflows.ts";
import { PromoteBody, RolloutBody, WorkflowView } from "../../schema/api/workflows.ts";
import { Id } from "../../schema/connection.ts";
import { WorkflowId } from "../../schema/workflow-value.ts";
import type { ApiDeps } from "../http/deps.ts";
import { type Api, noContent } from "../http/route.ts";
import {
  answerWorkflow,
  changeRoute,
  needRoute,
  removeRoute,
  type WorkflowName,
} from "../operations/workflow-route.ts";

const TAG = "workflows";
const WRITE = { scope: "workflows:write", tenant: "key" } as const;
const Params = z.strictObject({ workflow: WorkflowId });
const TenantQuery = z.strictObject({ tenant: Id.optional() });
const PATH = "/workflows/:workflow";

export function registerWorkflowRouting(api: Api, deps: ApiDeps): void {
  registerRouting(api, deps);
  registerRollout(api, deps);
  registerRest(api, deps);
}

function registerRouting(api: Api, deps: ApiDeps): void {
  api.route({
    id: "promoteWorkflow",
    method: "post",
    path: `${PATH}/promote`,
    tag: TAG,
    summary: "Give new runs another version",
    description:
      "Ends a roll-out. The version that was active is what a roll-back goes to. Runs under way keep theirs. Saying it again is harmless.",
    access: WRITE,
    params: Params,
    body: PromoteBody,
    responses: {
      200: { description: "The workflow", schema: WorkflowView },
      404: { description: "There is no such workflow or version" },
    },
    handle: async ({ tenant, params, body: { version }, request: { headers }, nowMs }) => {
      const name = { tenant, ...params };
      await checkVersion(deps, name, version);
      const to = (route: WorkflowRoute) => {
        const { rollout, ...rest } = route;
        if (route.active === version) return rollout ? rest : route;
        return { ...rest, active: version, previous: route.active };
      };
      return answerWorkflow(deps, name, await changeRoute(deps, name, { headers, nowMs, to }));
    },
  });
  api.route({
    id: "rollBackWorkflow",
    method: "post",
    path: `${PATH}/rollback`,
    tag: TAG,
    summary: "Give new runs the version before again",
    description:
      "Ends a roll-out too. Rolling back twice is where it was: name a version with `promote` where more than one may say it.",
    access: WRITE,
    params: Params,
    query: TenantQuery,
    responses: {
      200: { description: "The workflow", schema: WorkflowView },
      409: { description: "There was no version before" },
    },
    handle: async ({ tenant, params, request: { headers }, nowMs }) => {
      const name = { tenant, ...params };
      const to = ({ rollout: _, ...route }: WorkflowRoute) => {
        if (route.previous === undefined)
          throw new HubError("conflict", "there was no version before");
        return { ...route, active: route.previous, previous: route.active };
      };
      return answerWorkflow(deps, name, await changeRoute(deps, name, { headers, nowMs, to }));
    },
  });
}

function registerRollout(api: Api, deps: ApiDeps): void {
  api.route({
    id: "rollOutWorkflow",
    method: "put",
    path: `${PATH}/rollout`,
    tag: TAG,
    summary: "Give a part of new runs another version",
    description:
      "`percent` of the starts, chosen by correlation id (else by Idempotency-Key): whoever got it keeps getting it while the share does not fall. `keys` get it in any case. Starts that name a version get that.",
    access: WRITE,
    params: Params,
    body: RolloutBody,
    responses: {
      200: { description: "The workflow", schema: WorkflowView },
      404: { description: "There is no such workflow or version" },
      422: { description: "It is the active version" },
    },
    handle: async ({ tenant, params, body, request: { headers }, nowMs }) => {
      const name = { tenant, ...params };
      const { version, percent, keys } = body;
      await checkVersion(deps, name, version);
      const to = (route: WorkflowRoute) => {
        if (route.active === version)
          throw new HubError("unprocessable", "it is the active version already");
        return { ...route, rollout: { version, percent, keys: [...new Set(keys)] } };
      };
      return answerWorkflow(deps, name, await changeRoute(deps, name, { headers, nowMs, to }));
    },
  });
  api.route({
    id: "endWorkflowRollout",
    method: "delete",
    path: `${PATH}/rollout`,
    tag: TAG,
    summary: "Give all new runs the active version again",
    description: "Harmless where there is no roll-out.",
    access: WRITE,
    params: Params,
    query: TenantQuery,
    responses: { 200: { description: "The workflow", schema: WorkflowView } },
    handle: async ({ tenant, params, request: { headers }, nowMs }) => {
      const name = { tenant, ...params };
      const to = (route: WorkflowRoute) => {
        const { rollout, ...rest } = route;
        return rollout ? rest : route;
      };
      return answerWorkflow(deps, name, await changeRoute(deps, name, { headers, nowMs, to }));
    },
  });
}

function registerRest(api: Api, deps: ApiDeps): void {
  for (const [verb, paused, summary] of [
    ["pause", true, "Let no run of a workflow start"],
    ["resume", false, "Let runs of a workflow start again"],
  ] as const) {
    api.route({
      id: `${verb}Workflow`,
      method: "post",
      path: `${PATH}/${verb}`,
      tag: TAG,
      summary,
      description: "Runs under way are left alone. Saying it again is harmless.",
      access: WRITE,
      params: Params,
      query: TenantQuery,
      responses: { 200: { description: "The workflow", schema: WorkflowView } },
      handle: async ({ tenant, params, request: { headers }, nowMs }) => {
        const name = { tenant, ...params };
        const to = (route: WorkflowRoute) =>
          route.paused === paused ? route : { ...route, paused };
        return answerWorkflow(deps, name, await changeRoute(deps, name, { headers, nowMs, to }));
      },
    });
  }
  api.route({
    id: "deleteWorkflow",
    method: "delete",
    path: PATH,
    tag: TAG,
    summary: "Delete a workflow",
    description:
      "No run of it starts any more, and nothing triggers one; runs under way go on, and what became of runs stays. Its versions remain known, so that a number never means two definitions: uploading one of them, or a new one, brings the workflow back.",
    access: WRITE,
    params: Params,
    query: TenantQuery,
    responses: { 204: { description: "Gone" } },
    handle: async ({ tenant, params, request: { headers } }) => {
      await removeRoute(deps, { tenant, ...params }, headers);
      return noContent();
    },
  });
}

/** Throws not_found. */
async function checkVersion(deps: ApiDeps, name: WorkflowName, version: string): Promise<void> {
  await needRoute(deps, name);
  const { tenant, workflow } = name;
  if (await findVersion(databaseFor(deps.env, tenant), tenant, workflow, version)) return;
  throw new HubError("not_found", "no such version");
}
