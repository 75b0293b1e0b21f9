/** Outputs of a run that are kept apart, each by its digest. */
import * as z from "zod";
import { HubError } from "../../domain/errors.ts";
import { openRunValue } from "../../platform/workflow-values.ts";
import { RunId } from "../../schema/api/workflow-runs.ts";
import { Id } from "../../schema/connection.ts";
import type { ApiDeps } from "../http/deps.ts";
import type { Api } from "../http/route.ts";

const Digest = z.string().regex(/^[0-9a-f]{64}$/, "expected a SHA-256 in hex");

export function registerRunValues(api: Api, { env }: ApiDeps): void {
  api.route({
    id: "getRunValue",
    method: "get",
    path: "/runs/:run/values/:sha256",
    tag: "runs",
    summary: "An output of a run that is kept apart",
    description:
      'What is too large for a run stands in it as `{"$large": {"run", "sha256", "chars"}}`; this is the value, as JSON.',
    access: { scope: "runs:read", tenant: "key" },
    params: z.strictObject({ run: RunId, sha256: Digest }),
    query: z.strictObject({ tenant: Id.optional() }),
    responses: { 200: { description: "The value", schema: z.unknown() } },
    handle: async ({ tenant, params }) => {
      const stored = await openRunValue(env, tenant, params);
      if (!stored) throw new HubError("not_found", "the run has no such value");
      return new Response(stored.body, {
        headers: {
          "content-type": "application/json",
          "content-length": String(stored.size),
          "cache-control": "private, no-store",
          etag: `"${params.sha256}"`,
        },
      });
    },
  });
}
