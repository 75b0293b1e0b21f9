/** `event.publish`: an event of a registered type, once, on the tenant's bus. */
import { sourceOf } from "../../../domain/events/hub-event.ts";
import { fail, ok } from "../../../domain/result.ts";
import type { Json } from "../../../domain/workflows/run/state.ts";
import { PublishInput } from "../../../schema/event.ts";
import { isolateOf } from "../../isolate.ts";
import { publish } from "../../operations/publish.ts";
import type { PublishRefusal } from "../../operations/publish-refusal.ts";
import {
  type Action,
  type ActionContext,
  type ActionResult,
  type Members,
  membersOf,
  never,
} from "./action.ts";

/** Attributes of CloudEvents that have a place of their own. */
const ATTRIBUTES = [
  "type",
  "source",
  "id",
  "subject",
  "time",
  "datacontenttype",
  "dataschema",
  "specversion",
];

export const eventPublish: Action = {
  description:
    "Publishes an event of a type that the tenant has registered, once. It carries the run's correlation id where it names none. Given as a CloudEvent (`type` instead of `event_type`) the output is the event, else its id.",
  input: {
    type: "object",
    anyOf: [
      {
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
      {
        required: ["type"],
        properties: Object.fromEntries(ATTRIBUTES.map((name) => [name, { type: "string" }])),
      },
    ],
  },
  output: { type: "object", required: ["id"], properties: { id: { type: "string" } } },
  run: publishOne,
};

/** What `publish` takes, of either form; the event's own id is kept apart from the key that makes it one event. */
function inputOf(tenant: string, members: Members): Members {
  if (members.type === undefined) return { source: sourceOf(tenant), ...members };
  const { type: event_type, source = sourceOf(tenant), data, time, subject } = members;
  const { datacontenttype, dataschema } = members;
  const extensions = Object.fromEntries(
    Object.entries(members).filter(([name]) => name !== "data" && !ATTRIBUTES.includes(name)),
  );
  return {
    ...{ event_type, source },
    ...(data === undefined ? {} : { data }),
    ...(time === undefined ? {} : { timestamp: time }),
    metadata: {
      ...(subject === undefined ? {} : { subject }),
      ...(datacontenttype === undefined ? {} : { content_type: datacontenttype }),
      ...(dataschema === undefined ? {} : { schema: dataschema }),
      ...(Object.keys(extensions).length === 0 ? {} : { extensions }),
    },
  };
}

async function publishOne(context: ActionContext, input: Json): Promise<ActionResult> {
  const { env, tenant, idempotencyKey, correlationId, depth } = context;
  const given = membersOf(input);
  const { metadata, ...members } = inputOf(tenant, given);
  const own = correlationId === undefined ? {} : { correlation_id: correlationId };
  const parsed = PublishInput.safeParse({
    ...members,
    ...{ idempotency_key: idempotencyKey, event_id: idempotencyKey },
    metadata: { ...own, ...membersOf(metadata ?? null) },
  });
  if (!parsed.success) return never("invalid_input", parsed.error.issues[0]?.message ?? "");
  const candidates = [ok(parsed.data)];
  const operation = {
    ...{ tenant, candidates, nowMs: Date.now(), traceparent: undefined },
    depth: depth ?? 0,
  };
  const [outcome] = await publish({ env, vars: isolateOf(env).vars }, operation);
  if (outcome?.ok) {
    const { id } = outcome.value;
    if (given.type === undefined) return ok({ id });
    return ok({ specversion: "1.0", time: new Date().toISOString(), ...given, id });
  }
  return refusalOf(outcome?.failure);
}

function refusalOf(refusal: PublishRefusal | undefined): ActionResult {
  if (!refusal) return fail({ reason: "unavailable", retryable: true });
  const { reason, code, detail: message, retryAfterSeconds } = refusal;
  return fail({
    ...{ reason, retryable: code === "unavailable" || code === "rate_limited", message },
    ...(retryAfterSeconds === undefined ? {} : { retryAfterMs: retryAfterSeconds * 1000 }),
  });
}
