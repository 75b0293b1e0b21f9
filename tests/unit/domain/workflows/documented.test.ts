/** Definitions that the documentation shows can be uploaded, and name actions that there are. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { loadDefinition } from "../../../../domain/workflows/definition/load.ts";
import { mermaidOf } from "../../../../domain/workflows/graph/mermaid.ts";
import { graphOf } from "../../../../domain/workflows/graph/model.ts";
import { mappedOutput, ownOutput } from "../../../../domain/workflows/run/outputs.ts";
import type { Json } from "../../../../domain/workflows/run/state.ts";
import { schemaValidator } from "../../../../platform/json-schema.ts";
import { MARKED, markersIn } from "../../../support/workflows/person.ts";
import { begin, now, running, send, undone } from "./run/play.ts";

const PAGE = readFileSync("docs/workflows.md", "utf8");
const SAGAS = readFileSync("docs/sagas.md", "utf8");
const SHOWN = [...(PAGE + SAGAS).matchAll(/^```yaml\n([\s\S]*?)^```/gm)].map(
  ([, text = ""]) => text,
);
const REGISTRY = readFileSync("workers/workflows/actions/registry.ts", "utf8");

test("there are some", () => {
  expect(SHOWN.length).toBeGreaterThanOrEqual(2);
});

describe.each(SHOWN.map((text) => [/^id: (\S+)/.exec(text)?.[1] ?? "", text]))("%s", (id, text) => {
  const loaded = loadDefinition(text);

  test("has no fault", () => {
    expect(loaded).toMatchObject({ ok: true, value: { id } });
  });

  test("calls what the hub can, or services of one's own", () => {
    const steps = loaded.ok ? loaded.value.steps : [];
    const actions = steps.flatMap((step) => (step.type === "action" ? [step.action] : []));
    expect(actions.length).toBeGreaterThan(0);
    const named = actions.filter((action) => new RegExp(`\\["?${action}"?,`).test(REGISTRY));
    expect(named).toEqual(SAGAS.includes(text) ? [] : actions);
  });

  test("can be drawn", () => {
    expect(loaded.ok && mermaidOf(graphOf(loaded.value))).toContain("flowchart TD");
  });
});

test("every type of step is told of", () => {
  const source = readFileSync("schema/workflow-step.ts", "utf8");
  const types = [...source.matchAll(/type: z\.literal\("(\w+)"\)/g)].map(([, type]) => type);
  expect(types.length).toBe(12);
  for (const type of types) expect(PAGE).toContain(`| \`${type}\` |`);
});

describe("the saga of one's own", () => {
  const text = SHOWN.find((one) => one.startsWith("id: lend-device")) ?? "";
  const loaded = loadDefinition(text);
  if (!loaded.ok) throw new Error("it does not load");
  const { value: definition } = loaded;
  const input = { person: MARKED.person, device: "dev_0417" };

  test("lets nobody in by name", () => {
    const fits = schemaValidator();
    const schema = definition.input ?? false;
    expect(fits(schema, input)).toEqual([]);
    for (const person of [MARKED.name, MARKED.telephone, MARKED.policy])
      expect(fits(schema, { ...input, person })).not.toEqual([]);
    expect(fits(schema, { ...input, note: MARKED.name })).not.toEqual([]);
  });

  test("keeps nothing of a person, whatever its services say", () => {
    const game = begin(definition.steps, { more: { ...definition }, input });
    const talks = { reservation: "r_1", cover: "c_1", about: MARKED };
    for (const step of ["reserve", "insure"]) {
      const mapping = ownOutput(definition.steps.find(({ id }) => id === step));
      const made = mappedOutput(mapping ?? null, talks as unknown as Json);
      if (!made.ok || mapping === undefined) throw new Error(`${step} keeps more`);
      const output = { output: made.value, mapped: true } as const;
      send(game, { is: "step_succeeded", step, attempt: 1, ...output });
    }
    expect(now(game).status).toBe("completed");
    for (const kept of [game.log, game.audit, game.commands, game.state])
      expect(markersIn(JSON.stringify(kept))).toEqual([]);
  });

  test("takes back what it made, and what it may have made", () => {
    const game = begin(definition.steps, { more: { ...definition }, input });
    send(game, { is: "step_succeeded", step: "reserve", attempt: 1, output: {}, mapped: true });
    const unknown = { reason: "timeout", retryable: false };
    send(game, { is: "step_failed", step: "insure", attempt: 1, error: unknown });
    expect(running(game)).toEqual(["undo insure-in-doubt"]);
    undone(game, "insure-in-doubt");
    undone(game, "reserve");
    expect(now(game).status).toBe("compensated");
  });
});
