/**
 * What the ready sagas are made of: calls of services that may be repeated, their undos, and what is done where nobody
 * knows whether a call had its effect.
 */
import type { StepOf } from "../../../schema/workflow-step.ts";
import type { Mapping, RetryRule } from "../../../schema/workflow-value.ts";

/** Three attempts within about a minute: the person waits. */
const CALL_RETRY: RetryRule = { attempts: 3, backoff: "1s", maxDelay: "10s" };
/** Undos have more time: whoever they are for has been told nothing yet. */
const UNDO_RETRY: RetryRule = { attempts: 6, backoff: "2s", maxDelay: "1m" };
const CALL_TIMEOUT = "20s";

/** Everything that a run makes is made, and undone, under the run's own id: no answer is needed to undo it. */
export const REFERENCE = "{{ run.id }}";

/**
 * Codes of failures after which nothing can have been done: the service's own refusal, a call that was never made, and
 * `expression`: the answer could not be read, so the step is undone like one that was completed.
 */
const NOTHING_DONE =
  'error.code.startsWith("refused") || error.code in ["expression", "unknown_action", "missing_secret"]';

type CallStep = Pick<StepOf<"action">, "id" | "name" | "action" | "with"> &
  Partial<Pick<StepOf<"action">, "next" | "output" | "onError">>;

/** A call that is repeated under one idempotency key. */
export function call(step: CallStep): StepOf<"action"> {
  return { ...step, type: "action", retry: CALL_RETRY, timeout: CALL_TIMEOUT };
}

/** A call with an effect; where its outcome stays unknown, `doubt(step)` has it undone too. */
export function effect(step: CallStep): StepOf<"action"> {
  return call({ ...step, onError: doubtOf(step.id) });
}

/** Completes where the effect of a step that failed may have been made, so that its undo is run. */
export function doubt(id: string): StepOf<"set"> {
  return {
    id: doubtOf(id),
    type: "set",
    name: `Nobody knows what became of ${id}`,
    condition: `!(${NOTHING_DONE})`,
    values: { in_doubt: id },
  };
}

/** Takes back whatever was made under the run's reference; nothing made is nothing to do. */
export function undo(id: string, name: string, action: string): StepOf<"action"> {
  const input = { reference: REFERENCE };
  return {
    id,
    type: "action",
    name,
    action,
    with: input,
    retry: UNDO_RETRY,
    timeout: CALL_TIMEOUT,
  };
}

/** A step and its doubt are undone alike. */
export function undoneBy(undos: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(undos).flatMap(([step, by]) => [
      [step, by],
      [doubtOf(step), by],
    ]),
  );
}

/** The answer's own member, which must be a text: an answer that is something else fails the step. */
export function answered(...members: readonly string[]): Mapping {
  return Object.fromEntries(members.map((name) => [name, `{{ output.${name} + "" }}`]));
}

/**
 * JSON Schema of a reference: a short word, `_`, and an id. Names, addresses and numbers of people do not look so, and
 * are refused before a run starts.
 */
export function reference(word: string, what: string) {
  return {
    type: "string",
    pattern: `^${word}_[A-Za-z0-9-]{4,60}$`,
    description: `${what}, as ${word}_<id>: never a name, an address or a number`,
  };
}

function doubtOf(id: string): string {
  return `${id}-in-doubt`;
}
