/** What a trigger makes of what happened: nothing, or a start with its key, input and correlation id. */
import type { EventEnvelope } from "../../../schema/event.ts";
import { UnifiedMessage } from "../../../schema/message.ts";
import type { WorkflowTrigger } from "../../../schema/workflow-trigger.ts";
import { matchPattern } from "../../messaging/pattern.ts";
import { fail, ok, type Result } from "../../result.ts";
import { evaluateCondition, evaluateExpression } from "../expression/evaluate.ts";
import { evaluateMapping } from "../expression/mapping.ts";
import { typeMatches } from "../run/plan.ts";
import type { Json } from "../run/state.ts";

/** What message triggers see. */
export const MESSAGE_EVENT = "message.received";
/** Longest idempotency key and correlation id that a trigger may make, in characters. */
export const TRIGGER_KEY_CHARS_MAX = 512;
/** Matching steps one message trigger may take: some 10 ms. */
const MATCH_STEPS_MAX = 400_000;

/** What happened, as the trigger's expressions see it. */
export interface Happening {
  /** `event`. */
  readonly event: Json;
  /** Key of the start where the trigger makes none. */
  readonly key: string;
  /** Input of the run where the trigger makes none. */
  readonly data: Json;
  readonly correlationId?: string;
}

export interface TriggeredStart {
  readonly key: string;
  readonly input: Json;
  readonly correlationId?: string;
}

export interface TriggerStartFailure {
  readonly reason: "expression" | "not_a_key";
  readonly at: "condition" | "input" | "idempotencyKey" | "correlationId";
  readonly message: string;
}

/** What every kind of trigger may say of its start. */
export type TriggerStart = Pick<
  WorkflowTrigger,
  "condition" | "input" | "idempotencyKey" | "correlationId"
>;

/** Undefined where its condition is false. */
export function startOf(
  { condition, input, ...names }: TriggerStart,
  { event, key, data, correlationId }: Happening,
  nowMs: number,
): Result<TriggeredStart | undefined, TriggerStartFailure> {
  const facts = { event, now: nowMs };
  if (condition !== undefined) {
    const wanted = evaluateCondition(condition, facts);
    if (!wanted.ok) return fail(expression("condition", wanted.failure));
    if (!wanted.value) return ok(undefined);
  }
  const given = input === undefined ? ok(data) : evaluateMapping(input, facts);
  if (!given.ok) return fail(expression("input", given.failure));
  const ownKey = nameOf(names, "idempotencyKey", facts, key);
  if (!ownKey.ok) return ownKey;
  const correlation = nameOf(names, "correlationId", facts, correlationId);
  if (!correlation.ok) return correlation;
  return ok({
    key: ownKey.value ?? key,
    input: given.value,
    ...(correlation.value === undefined ? {} : { correlationId: correlation.value }),
  });
}

function nameOf(
  names: Pick<TriggerStart, "idempotencyKey" | "correlationId">,
  at: "idempotencyKey" | "correlationId",
  facts: { readonly event: Json; readonly now: number },
  fallback: string | undefined,
): Result<string | undefined, TriggerStartFailure> {
  const written = names[at];
  if (written === undefined) return ok(fallback);
  const value = evaluateExpression(written, facts);
  if (!value.ok) return fail(expression(at, value.failure));
  const name = typeof value.value === "number" ? String(value.value) : value.value;
  if (typeof name === "string" && name.length > 0 && name.length <= TRIGGER_KEY_CHARS_MAX)
    return ok(name);
  const message = `gives no text of 1 to ${TRIGGER_KEY_CHARS_MAX} characters`;
  return fail({ reason: "not_a_key", at, message });
}

function expression(
  at: TriggerStartFailure["at"],
  { message }: { readonly message: string },
): TriggerStartFailure {
  return { reason: "expression", at, message };
}

/** What an event is to a trigger; undefined where it wants another one. */
export function happeningOf(trigger: WorkflowTrigger, event: EventEnvelope): Happening | undefined {
  if (trigger.type === "event")
    return typeMatches(trigger.event, event.event_type) ? eventHappening(event) : undefined;
  if (trigger.type !== "message" || event.event_type !== MESSAGE_EVENT) return undefined;
  const message = messageOf(event);
  if (!message || !isMeant(trigger, message)) return undefined;
  return { ...messageHappening(message), key: eventHappening(event).key };
}

/** A message as it is; its conversation is its correlation id. */
export function messageHappening(message: UnifiedMessage): Happening {
  const data = message as unknown as Json;
  const { id, conversation } = message;
  return {
    event: { id, data },
    key: JSON.stringify(["message", id]),
    data,
    ...(conversation === undefined ? {} : { correlationId: conversation }),
  };
}

/** An event as it is, for expressions and as the input of a run. */
export function eventHappening(event: EventEnvelope): Happening {
  const { event_id, source, metadata } = event;
  const { correlation_id: correlationId, replay_id } = metadata;
  return {
    event: { ...(event as unknown as Record<string, Json>), id: event_id, type: event.event_type },
    key: JSON.stringify(["event", source, event_id, ...(replay_id ? [replay_id] : [])]),
    data: (event.data ?? null) as Json,
    ...(correlationId === undefined ? {} : { correlationId }),
  };
}

function messageOf({ data }: EventEnvelope): UnifiedMessage | undefined {
  const held = typeof data === "object" && data !== null && "message" in data ? data.message : null;
  const message = UnifiedMessage.safeParse(held);
  return message.success ? message.data : undefined;
}

type MessageTrigger = Extract<WorkflowTrigger, { type: "message" }>;

function isMeant({ channel, connection, match }: MessageTrigger, message: UnifiedMessage): boolean {
  if (channel !== undefined && channel !== message.source) return false;
  if (connection !== undefined && connection !== message.connection) return false;
  if (match === undefined) return true;
  const budget = { steps: MATCH_STEPS_MAX };
  return matchPattern(match, message.content.text, budget) !== undefined;
}

/** Somebody posted this. `id` is its idempotency key. */
export function webhookHappening(path: string, id: string, data: Json): Happening {
  return { event: { id, data }, key: JSON.stringify(["webhook", path, id]), data };
}

/** A slot that fires, as expressions see it. */
export function slotHappening(fireId: string, slotMs: number): Happening {
  const data = { slot: new Date(slotMs).toISOString() };
  return { event: { id: fireId, data }, key: fireId, data };
}

/** Whether the hub says it of a run of this workflow, of one of its steps or of one of its tasks. */
export function isToldByRunOf(workflow: string, { event_type, data }: EventEnvelope): boolean {
  if (!/^(?:workflow|task)\./.test(event_type)) return false;
  return typeof data === "object" && data !== null && Reflect.get(data, "workflow") === workflow;
}
