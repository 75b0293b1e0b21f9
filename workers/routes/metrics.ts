/** Counters in the Prometheus text format: the operator sees all series, a tenant's key its own. */
import * as z from "zod";
import { PROMETHEUS_TYPE, renderPrometheus } from "../../domain/observability/prometheus.ts";
import type { Delta } from "../../domain/observability/tally.ts";
import { flushMetrics, METRICS_OBJECT } from "../../platform/metrics.ts";
import type { ApiDeps } from "../http/deps.ts";
import type { Api } from "../http/route.ts";

export function registerMetrics(api: Api, { env }: ApiDeps): void {
  api.route({
    id: "getMetrics",
    method: "get",
    path: "/metrics",
    tag: "operations",
    summary: "Metrics in the Prometheus text format",
    access: { scope: "metrics:read", tenant: "resource" },
    responses: {
      200: { description: "Text format 0.0.4", schema: z.string(), type: "text/plain" },
    },
    handle: async ({ caller, nowMs }) => {
      // What this isolate has counted should be in the answer it gives.
      await flushMetrics(env, nowMs, 0);
      const tenant = caller?.kind === "tenant" ? caller.tenant : undefined;
      const counted = await env.METRICS.getByName(METRICS_OBJECT).snapshot(tenant);
      // RPC types lose tuples; the value is what the object returned.
      const snapshot = counted as unknown as Delta;
      return new Response(renderPrometheus(snapshot, tenant), {
        headers: { "content-type": PROMETHEUS_TYPE, "cache-control": "no-store" },
      });
    },
  });
}
