/**
 * The small parts that workflow definitions are made of: names, durations, expressions, mappings, retries. What they
 * mean within a definition: `workflow.ts`.
 */
import * as z from "zod";

/** Longest id of a workflow or step, in characters: run, step and round share the 256 of a Workflows step name. */
export const WORKFLOW_ID_CHARS_MAX = 64;
/** Longest name or title for people, in characters. */
export const WORKFLOW_NAME_CHARS_MAX = 200;
/** Longest description, in characters. */
export const WORKFLOW_DESCRIPTION_CHARS_MAX = 2000;
/** Longest expression, in characters. */
export const EXPRESSION_CHARS_MAX = 2000;
/** Longest duration, in ms: 365 days (Cloudflare Workflows, longest sleep). */
export const DURATION_MS_MAX = 365 * 86_400_000;
/** Attempts of one step, the first included. */
export const STEP_ATTEMPTS_MAX = 20;
/** Error codes one retry rule may name. */
export const ERROR_CODES_MAX = 50;

const name = z.string().min(1).max(WORKFLOW_NAME_CHARS_MAX);

/** Letters, digits, `_` and `-`; begins with a letter or digit. */
export const WorkflowId = z
  .string()
  .min(1)
  .max(WORKFLOW_ID_CHARS_MAX)
  .regex(/^[A-Za-z0-9][A-Za-z0-9_-]*$/, "must be letters, digits, _ and -");

/** Begins with a letter or `_`, so that `$ref` paths read well; else as `WorkflowId`. */
export const StepId = z
  .string()
  .min(1)
  .max(WORKFLOW_ID_CHARS_MAX)
  .regex(/^[A-Za-z_][A-Za-z0-9_-]*$/, "must be letters, digits, _ and -, a letter or _ first");

/** Semantic version (semver.org 2.0.0), at most 64 characters. */
export const WorkflowVersion = z
  .string()
  .max(64)
  .regex(
    /^(?:0|[1-9]\d{0,8})\.(?:0|[1-9]\d{0,8})\.(?:0|[1-9]\d{0,8})(?:-[0-9A-Za-z.-]{1,32})?(?:\+[0-9A-Za-z.-]{1,32})?$/,
    'must be a semantic version such as "1.0.0"',
  );

/** Name of an action in the catalogue: words with dots between them. */
export const ActionName = z
  .string()
  .max(100)
  .regex(/^[A-Za-z_][A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]+)*$/);

/** Name of a tenant's secret. */
export const SecretName = z
  .string()
  .max(64)
  .regex(/^[A-Za-z_][A-Za-z0-9_-]*$/);

/** What went wrong, for programs: `timeout`, `rejected`, `http.503` … */
export const ErrorCode = z
  .string()
  .max(64)
  .regex(/^[A-Za-z0-9_]+(?:[.-][A-Za-z0-9_]+)*$/);

/** Whole ms, `500ms`, `30s`, `5m`, `2h`, `7d`, or ISO 8601 without months and years (`PT5M`, `P1DT12H`, `P2W`). */
export const Duration = z.union(
  [
    z.int().min(0).max(DURATION_MS_MAX),
    z.string().regex(/^\d{1,11}(?:ms|s|m|h|d)$/),
    z
      .string()
      .regex(
        /^P(?:\d{1,3}W|(?=[\dT])(?:\d{1,3}D)?(?:T(?=\d)(?:\d{1,5}H)?(?:\d{1,7}M)?(?:\d{1,9}(?:\.\d{1,3})?S)?)?)$/,
      ),
  ],
  { error: "must be whole ms, or a text such as 30s, 5m, 2h, 7d or PT5M" },
);
export type Duration = z.infer<typeof Duration>;

/** A CEL expression; `{{ … }}` around the whole of it may stay. */
export const Expression = z.string().min(1).max(EXPRESSION_CHARS_MAX);

/**
 * JSON in which every `{"$ref": "steps.pay.output.id"}` is replaced by what is found there (null where nothing is),
 * every text that is one `{{ expression }}` by its value, and `{{ … }}`
 * within longer texts by its text. `{"$literal": …}` stands for its member, untouched. `{"$secret": "name"}`, in the
 * `with` of an action only, stays as it is and is replaced by the secret right before the call (`prefix`, such as
 * `"Bearer "`, goes before it): secrets are never part of what is stored.
 */
export const Mapping = z.json();
export type Mapping = z.infer<typeof Mapping>;

/** A JSON Schema (2020-12) of an object. */
export const ObjectSchema = z.record(z.string(), z.json());

/**
 * `attempts` counts the first one. The n-th retry waits `backoff` (default 1 s) times 1 (`constant`), n (`linear`)
 * or 2^(n-1) (`exponential`, default), at most `maxDelay` (default 5 min). `backoff` is the least that is waited: jitter
 * adds on top of the delay, evenly, up to as much again (`full`, default), up to half (`half`), or nothing (`none`),
 * never above `maxDelay`.
 */
export const RetryRule = z.strictObject({
  attempts: z.int().min(1).max(STEP_ATTEMPTS_MAX),
  backoff: z.optional(Duration),
  strategy: z.optional(z.enum(["constant", "linear", "exponential"])),
  maxDelay: z.optional(Duration),
  jitter: z.optional(z.enum(["full", "half", "none"])),
  /** Codes after which no further attempt is made. */
  nonRetryable: z.optional(z.array(ErrorCode).max(ERROR_CODES_MAX)),
  /** With this, other codes are not retried, and these are, also where the action says that no repetition can help. */
  retryOn: z.optional(z.array(ErrorCode).max(ERROR_CODES_MAX)),
});
export type RetryRule = z.infer<typeof RetryRule>;

/** A name or title for people. */
export const Title = name;

/** Free text for people. */
export const Description = z.string().max(WORKFLOW_DESCRIPTION_CHARS_MAX);
