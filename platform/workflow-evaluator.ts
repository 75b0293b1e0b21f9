/** The expression language with forms: what runs are decided by, and what their logs are folded by. */
import { type Evaluator, expressionEvaluator } from "../domain/workflows/run/evaluator.ts";
import { schemaValidator } from "./json-schema.ts";

export const runEvaluator: Evaluator = {
  ...expressionEvaluator,
  formFaults: (schema, form) =>
    schemaValidator()(schema, form).map(({ pointer, message }) => `${pointer || "/"}: ${message}`),
};
