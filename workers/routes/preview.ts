/** Shows which route and policy a sample message would get, and why, by the very function that decides it. */
import * as z from "zod";
import { splitRoute } from "../../domain/connections/secrets.ts";
import { HubError } from "../../domain/errors.ts";
import { planRoute, type RouteFacts, type RoutePlan } from "../../domain/messaging/routing.ts";
import type { Located } from "../../platform/directory.ts";
import { PreviewInput, PreviewView } from "../../schema/api/preview.ts";
import { Id } from "../../schema/connection.ts";
import type { ApiDeps } from "../http/deps.ts";
import { type Api, json } from "../http/route.ts";

const Params = z.strictObject({ tenant: Id });
const SAMPLE = "preview";

export function registerPreview(api: Api, { directory }: ApiDeps): void {
  api.route({
    id: "previewRoute",
    method: "post",
    path: "/tenants/:tenant/preview",
    tag: "tenants",
    summary: "Try a message: which route and policy it would get, and why",
    description: "A dry run. Nothing is stored, nothing is sent.",
    access: { scope: "tenants:read", tenant: "path" },
    params: Params,
    body: PreviewInput,
    responses: { 200: { description: "The plan", schema: PreviewView } },
    handle: async ({ tenant, body, nowMs }) => {
      const located = await directory.byId(body.connection, nowMs);
      if (located?.tenant.id !== tenant) throw new HubError("not_found");
      const { plan, policy, because } = planRoute(factsOf(located, body, nowMs));
      return json(200, { plan: withoutSecrets(plan), policy, because });
    },
  });
}

function factsOf(
  { connection, tenant, rules }: Located,
  body: PreviewInput,
  nowMs: number,
): RouteFacts {
  const { paused, ...settings } = body.conversation ?? {};
  return {
    message: {
      id: SAMPLE,
      source: connection.channel,
      tenant: tenant.id,
      content: { text: body.text, media: [], metadata: {} },
      timestamp: new Date(nowMs).toISOString(),
      connection: connection.id,
      conversation: SAMPLE,
      direction: "inbound",
      kind: body.kind,
      eventKey: SAMPLE,
      platform_id: SAMPLE,
      sender: body.sender,
      group: body.group,
      mentions: [],
    },
    tenant: { ...tenant.config, enabled: tenant.config.enabled && tenant.active },
    connection,
    conversation: { ...settings, ...(paused ? { pausedUntilMs: Number.MAX_SAFE_INTEGER } : {}) },
    rules,
    aliases: [],
    nowMs,
  };
}

function withoutSecrets(plan: RoutePlan): unknown {
  return "route" in plan ? { ...plan, route: splitRoute(plan.route).route } : plan;
}
