/** Actions that call nobody: `transform` gives its input back, `log.note` writes one line. */
import { ok } from "../../../domain/result.ts";
import { codeOf } from "../../../domain/workflows/run/audit.ts";
import { logLine } from "../../../platform/log.ts";
import { type Action, membersOf } from "./action.ts";

export const transform: Action = {
  description: "Gives its input back: for shaping data with `with`.",
  input: true,
  output: true,
  run: async (_, input) => ok(input),
};

export const logNote: Action = {
  description:
    "Writes one line to the hub's log. `code` must read like a code: texts are not logged.",
  input: {
    type: "object",
    required: ["code"],
    additionalProperties: false,
    properties: { code: { type: "string", minLength: 1, maxLength: 64 } },
  },
  output: { type: "object", properties: { code: { type: "string" } } },
  async run({ tenant, run, step }, input) {
    const code = codeOf(String(membersOf(input).code));
    logLine("run.noted", { tenant, job: run, key: step, code });
    return ok({ code });
  },
};
