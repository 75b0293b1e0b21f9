/** `event.publish`: an event of a registered type, once, on the tenant's bus. */
import { sourceOf } from "../../../domain/events/hub-event.ts";
import { fail, ok } from "../../../domain/result.ts";
import type { Json } from "../../../domain/workflows/run/state.ts";
import { PublishInput } from "../../../schema/event.ts";
import { isolateOf } from "../../isolate.ts";
import { publish } from "../../operations/publish.ts";
import { type Action, type ActionContext, type ActionResult, membersOf, never } from "./action.ts";

export const eventPublish: Action = {
  description:
    "Publishes an event of a type that the tenant has registered. It carries the run's correlation id where it names none.",
  input: {
    type: "object",
    required: ["event_type"],
    additionalProperties: false,
    properties: {
      event_type: { type: "string" },
      event_version: { type: "string" },
      data: {},
      source: { type: "string" },
      partition_key: { type: "string" },
      priority: { type: "integer" },
      ttl_ms: { type: "integer" },
      delay_ms: { type: "integer" },
      metadata: { type: "object" },
    },
  },
  output: { type: "object", required: ["id"], properties: { id: { type: "string" } } },
  run: publishOne,
};

async function publishOne(context: ActionContext, input: Json): Promise<ActionResult> {
  const { env, tenant, idempotencyKey, correlationId } = context;
  const { metadata, ...members } = membersOf(input);
  const own = correlationId === undefined ? {} : { correlation_id: correlationId };
  const parsed = PublishInput.safeParse({
    source: sourceOf(tenant),
    ...members,
    ...{ idempotency_key: idempotencyKey, event_id: idempotencyKey },
    metadata: { ...own, ...membersOf(metadata ?? null) },
  });
  if (!parsed.success) return never("invalid_input", parsed.error.issues[0]?.message ?? "");
  const candidates = [ok(parsed.data)];
  const operation = { tenant, candidates, nowMs: Date.now(), traceparent: undefined };
  const [outcome] = await publish({ env, vars: isolateOf(env).vars }, operation);
  if (outcome?.ok) return ok({ id: outcome.value.id });
  const {
    reason = "unavailable",
    code = "unavailable",
    retryAfterSeconds,
  } = outcome?.failure ?? {};
  return fail({
    ...{ reason, retryable: code === "unavailable" || code === "rate_limited" },
    ...(retryAfterSeconds === undefined ? {} : { retryAfterMs: retryAfterSeconds * 1000 }),
  });
}
