/** `plugin.call`: reserved for plugins. There are none to be called yet, and it says so. */
import { type Action, membersOf, never } from "./action.ts";

export const pluginCall: Action = {
  description:
    "Calls an operation of one of the tenant's plugins. A plugin that is not there fails the step with `plugin_unknown`.",
  input: {
    type: "object",
    required: ["plugin"],
    additionalProperties: false,
    properties: {
      plugin: { type: "string", minLength: 1, maxLength: 64 },
      operation: { type: "string", minLength: 1, maxLength: 64 },
      input: {},
    },
  },
  output: true,
  run: async (_, input) =>
    never("plugin_unknown", `there is no plugin ${String(membersOf(input).plugin).slice(0, 64)}`),
};
