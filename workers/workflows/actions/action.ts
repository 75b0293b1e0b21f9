/** What an action is: a name in definitions, JSON in, JSON out, within a time, under an idempotency key. */

import type { JsonSchema } from "../../../domain/events/schema-compatibility.ts";
import { fail, type Result } from "../../../domain/result.ts";
import type { ReportedError } from "../../../domain/workflows/run/events.ts";
import type { Json } from "../../../domain/workflows/run/state.ts";
import type { SecretRule } from "../../../domain/workflows/secrets/hosts.ts";

/** Those that were put into the input, without their values. */
export interface UsedSecrets {
  readonly rules: readonly (SecretRule & { readonly name: string })[];
  /** Members of the input that hold one. */
  readonly members: ReadonlySet<string>;
  /** The tenant sends none that names no hosts. */
  readonly needHosts: boolean;
}

export interface ActionContext {
  readonly env: Env;
  readonly tenant: string;
  readonly run: string;
  /** Key of the execution. */
  readonly step: string;
  readonly stepId: string;
  /** From 1. */
  readonly attempt: number;
  /** The same in every attempt and after every crash; another one in every other execution. */
  readonly idempotencyKey: string;
  readonly correlationId?: string;
  /** Of the run, in its chain of events. */
  readonly depth?: number;
  /** When the execution began, with its first attempt, ms. */
  readonly startedAtMs: number;
  /** Fires when the attempt's time is over. */
  readonly signal: AbortSignal;
  /** Absent: there are none in the input. */
  readonly secrets?: UsedSecrets;
}

/** `reason` is a code that retry rules may name. */
export type ActionResult = Result<Json, ReportedError>;

export interface Action {
  /** For people, one or two sentences. */
  readonly description: string;
  /** JSON Schema of `with`. */
  readonly input: JsonSchema;
  /** JSON Schema of the step's output. */
  readonly output: JsonSchema;
  /** It hands its input to a host and asks `hostOfSecretsRefused` before: secrets may stand in the input. */
  readonly sends?: true;
  /** Members of the input that hold the URL it calls: for uploads. */
  readonly urlMembers?: readonly string[];
  /** Expects an input that fits; may reject, which is a failure `action_error`. */
  readonly run: (context: ActionContext, input: Json) => Promise<ActionResult>;
}

export type Members = Readonly<Record<string, Json>>;

/** The members of an input that was checked to be an object. */
export function membersOf(input: Json): Members {
  return typeof input === "object" && input !== null && !Array.isArray(input) ? input : {};
}

/** A failure that no repetition can mend. */
export function never(reason: string, message?: string): ActionResult {
  return fail({ reason, retryable: false, ...(message === undefined ? {} : { message }) });
}
