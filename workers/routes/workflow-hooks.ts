/** Webhooks that start runs: one URL for each webhook trigger of a definition. */
import * as z from "zod";
import { Id } from "../../schema/connection.ts";
import { WorkflowId } from "../../schema/workflow-value.ts";
import { createAuthenticator } from "../http/authenticate.ts";
import type { ApiDeps } from "../http/deps.ts";
import { type Api, json } from "../http/route.ts";
import { takeHook } from "../operations/trigger-webhook.ts";

const Params = z.strictObject({
  tenant: Id,
  workflow: WorkflowId,
  path: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/),
});

/** Who posts may have its own members there; nothing of it is read. */
const AnyQuery = z.looseObject({});

const HookView = z.object({
  /** Null where the trigger's condition is false: nothing was started. */
  run: z.string().nullable(),
  workflow: WorkflowId,
  /** The same call has started it before. */
  duplicate: z.boolean(),
});

export function registerWorkflowHooks(api: Api, deps: ApiDeps): void {
  const keys = createAuthenticator(deps.env.DB, deps.vars.ADMIN_API_KEY);
  api.route({
    id: "postWorkflowHook",
    method: "post",
    path: "/hooks/workflows/:tenant/:workflow/:path",
    tag: "workflows",
    summary: "Start a run by webhook",
    description:
      "`path` is that of a webhook trigger of the version in force. Proven over the raw bytes by the trigger's secret (a Standard Webhooks signature, HMAC-SHA-256 in `x-hub-signature-256` or `x-webhook-signature`, or the secret as bearer token), or without one by an API key with `runs:write`. The same call again, by `webhook-id`, `Idempotency-Key` or within 24 h by its body, is the same run.",
    access: "public",
    params: Params,
    query: AnyQuery,
    bodies: { "application/json": z.unknown() },
    responses: {
      202: { description: "It runs, or ran already: `duplicate`", schema: HookView },
      401: { description: "Not proven, or no such webhook: nobody is told which" },
      409: { description: "The workflow is paused" },
      413: { description: "The body is too large" },
      422: { description: "What the trigger makes of it does not fit the workflow's input" },
      429: { description: "More than the tenant may have in a minute" },
      503: { description: "Not started: the same call may be made again" },
    },
    handle: async ({ params, request: { headers }, bytes, nowMs }) =>
      json(202, await takeHook(deps, keys, { ...params, headers, bytes, nowMs })),
  });
}
