/** Action steps against a catalogue. */
import { describe, expect, test } from "vitest";
import type { ActionCatalogue } from "../../../../../domain/workflows/definition/actions.ts";
import { checkDefinition } from "../../../../../domain/workflows/definition/load.ts";
import { action, documentOf } from "./samples.ts";

const CATALOGUE: ActionCatalogue = {
  actions: new Map([
    [
      "message.send",
      {
        input: {
          type: "object",
          required: ["to", "text"],
          additionalProperties: false,
          properties: {
            to: { type: "string" },
            text: { type: "string" },
            options: {
              type: "object",
              required: ["mode"],
              properties: { mode: { enum: ["a"] } },
              additionalProperties: false,
            },
          },
        },
      },
    ],
    ["anything", {}],
  ]),
  validate: (schema, data) =>
    typeof schema === "object" && schema.type === "string" && typeof data !== "string"
      ? [{ pointer: "", message: "must be a text" }]
      : [],
};

describe("actions", () => {
  const cases: readonly (readonly [string, object, readonly (readonly [string, string])[]])[] = [
    ["that are known", { action: "anything", with: { x: 1 } }, []],
    ["with what they need", { action: "message.send", with: { to: "x", text: "{{ input }}" } }, []],
    ["with a computed input", { action: "message.send", with: "{{ input }}" }, []],
    ["without any input", { action: "message.send" }, []],
    ["that are unknown", { action: "message.sent" }, [["action", "unknown_action"]]],
    [
      "that miss something",
      { action: "message.send", with: { to: "{{ input.to }}" } },
      [["with", "action_input"]],
    ],
    [
      "that get something unknown",
      { action: "message.send", with: { to: "{{ input.to }}", text: "t", txet: 1 } },
      [["with.txet", "action_input"]],
    ],
    [
      "that get a bad constant",
      { action: "message.send", with: { to: 5, text: "{{ 'x' }}" } },
      [["with.to", "action_input"]],
    ],
    [
      "that miss something deep inside",
      { action: "message.send", with: { to: "x", text: "t", options: { m: "{{ input }}" } } },
      [
        ["with.options", "action_input"],
        ["with.options.m", "action_input"],
      ],
    ],
  ];
  test.each(cases)("%s", (_, more, faults) => {
    const checked = checkDefinition(documentOf([{ id: "a", type: "action", ...more }]), CATALOGUE);
    const told = checked.ok
      ? []
      : checked.failure.map(({ path, reason }) => [path.slice(2).join("."), reason]);
    expect(told).toEqual(faults);
  });

  test("a near name is offered", () => {
    const checked = checkDefinition(
      documentOf([action("a", { action: "message.sent" })]),
      CATALOGUE,
    );
    expect(checked).toMatchObject({
      failure: [{ message: expect.stringContaining("message.send?") }],
    });
  });
});
