/** `value.read`: looks into a value that is too large for expressions, and gives what the run needs of it. */
import { ok } from "../../../domain/result.ts";
import { evaluateExpression } from "../../../domain/workflows/expression/evaluate.ts";
import { EXPRESSION_CHARS_MAX } from "../../../schema/workflow-value.ts";
import { type Action, membersOf, never } from "./action.ts";

export const valueRead: Action = {
  description:
    'Evaluates `expression` over `value`, which it sees as `output`: for outputs that are kept apart (`{"$large": …}`), into which no other expression sees. Its own output is what the expression gives.',
  input: {
    type: "object",
    required: ["value", "expression"],
    additionalProperties: false,
    properties: {
      value: { description: 'Mostly `{"$ref": "steps.<id>.output"}`' },
      expression: { type: "string", minLength: 1, maxLength: EXPRESSION_CHARS_MAX },
    },
  },
  output: true,
  async run(_, input) {
    const { value = null, expression } = membersOf(input);
    const given = evaluateExpression(String(expression), { output: value });
    return given.ok ? ok(given.value) : never("expression", given.failure.message);
  },
};
