/**
 * What a run needs of the expression language: values and mappings over a scope. A failure is a value; its message
 * names no data. Secrets stay references: whoever carries an action out puts them in.
 */
import type { Result } from "../../result.ts";
import { evaluateExpression } from "../expression/evaluate.ts";
import { evaluateMapping } from "../expression/mapping.ts";
import type { Json } from "./state.ts";

/** An error as expressions see it: the code, and a message for people. */
export interface ShownError {
  readonly code: string;
  readonly message: string;
}

/** What expressions see (the head of `schema/workflow.ts`); `now` is ms since the epoch. */
export interface Scope {
  readonly input: Json;
  readonly steps: Readonly<
    Record<
      string,
      { readonly status: string; readonly output: Json; readonly error: ShownError | null }
    >
  >;
  readonly run: Readonly<Record<string, Json>>;
  readonly vars: Readonly<Record<string, Json>>;
  readonly now: number;
  readonly item?: Json;
  readonly index?: number;
  /** What arrived. */
  readonly event?: Json;
  /** A step's raw output, in its `output` mapping. */
  readonly output?: Json;
  /** In an undo: `{step, input, output, error}` of the step that is undone. */
  readonly undo?: Json;
  /** In an `onError` or `onFailure` chain. */
  readonly error?: (ShownError & { readonly step: string | null }) | undefined;
}

export interface EvaluationFailure {
  readonly reason: string;
  readonly message?: string;
  /** Of a mapping: where in it. */
  readonly path?: readonly (string | number)[];
}

export interface Evaluator {
  /** One expression, `{{ }}` around it or not. */
  value(expression: string, scope: Scope): Result<Json, EvaluationFailure>;
  /** JSON with `{{ }}`, `$ref`, `$literal`; `$secret` stays. */
  mapping(template: Json, scope: Scope): Result<Json, EvaluationFailure>;
  /** Faults of a form by its JSON Schema, where they can be found out: paths and rules, no data. */
  formFaults?(schema: Readonly<Record<string, Json>>, form: Json): readonly string[];
}

/** The hub's own language; whoever can validate JSON Schemas adds `formFaults`. */
export const expressionEvaluator: Evaluator = {
  value: (expression, scope) => evaluateExpression(expression, { ...scope }),
  mapping: (template, scope) => evaluateMapping(template, { ...scope }),
};
