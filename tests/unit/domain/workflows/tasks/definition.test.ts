/** Where a task may be put: a conversation, or everybody who is asked. */
import { describe, expect, test } from "vitest";
import { loadDefinition } from "../../../../../domain/workflows/definition/load.ts";

const load = (more: object) =>
  loadDefinition(
    JSON.stringify({
      ...{ id: "ask", name: "Ask", version: "1.0.0" },
      steps: [{ id: "ask", type: "approval", title: "Ship it?", ...more }],
    }),
  );

describe("the channel of a task", () => {
  test.each([
    { channel: { connection: "c", to: "C1" } },
    { channel: { connection: "c" }, assignees: ["U1"] },
    { channel: { connection: "c" }, assignees: "{{ input.people }}" },
    {},
  ])("%j can be put somewhere", (more) => expect(load(more)).toMatchObject({ ok: true }));

  test("without a place and people is refused where it stands", () => {
    expect(load({ channel: { connection: "c" } })).toMatchObject({
      ok: false,
      failure: [{ path: "steps[0].channel", message: expect.stringContaining("assignees") }],
    });
  });
});
