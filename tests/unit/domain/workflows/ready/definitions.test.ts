/** The ready sagas as definitions: they load as they are shipped, and name nobody and no secret. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { loadDefinition } from "../../../../../domain/workflows/definition/load.ts";
import {
  actionsOf,
  READY_WORKFLOWS,
  secretsOf,
} from "../../../../../domain/workflows/ready/list.ts";
import { schemaValidator } from "../../../../../platform/json-schema.ts";
import { SERVICES } from "../../../../../simulators/services/catalogue.ts";
import { SAGAS } from "./sagas.ts";

const PAGE = readFileSync(join(import.meta.dirname, "../../../../../docs/sagas.md"), "utf8");

const catalogue = {
  actions: new Map(Object.keys(SERVICES).map((name) => [name, {}])),
  validate: schemaValidator(),
};

describe.each(READY_WORKFLOWS.map((definition) => [definition.id, definition] as const))(
  "%s",
  (_, definition) => {
    test("loads without a fault where its services are there, and stays what it is", () => {
      const loaded = loadDefinition(JSON.stringify(definition), catalogue);
      expect(loaded).toEqual({ ok: true, value: definition });
    });

    test("names each missing service where they are not", () => {
      const loaded = loadDefinition(JSON.stringify(definition), { actions: new Map() });
      const reasons = loaded.ok ? [] : loaded.failure.map(({ reason }) => reason);
      expect(new Set(reasons)).toEqual(new Set(["unknown_action"]));
      expect(actionsOf(definition).every((name) => Object.hasOwn(SERVICES, name))).toBe(true);
    });

    test("every action, secret and member that it reads stands on its page", () => {
      const names = [...actionsOf(definition), ...secretsOf(definition), definition.id];
      const members = definition.steps.flatMap((step) =>
        "output" in step ? Object.keys(step.output as object) : [],
      );
      expect([...names, ...members].filter((name) => !PAGE.includes(name))).toEqual([]);
    });

    test("has an undo for every effect and for every doubt", () => {
      const { steps, compensation = {} } = definition;
      for (const { id, ...step } of steps)
        if (step.type === "set" || ("onError" in step && step.onError !== undefined))
          expect([id, compensation[id]]).toEqual([id, expect.any(String)]);
    });
  },
);

test("secrets are references", () => {
  expect(READY_WORKFLOWS.map(secretsOf)).toEqual([["channel-token"], []]);
});

describe("inputs", () => {
  const faultsOf = (at: number, input: unknown) =>
    schemaValidator()(SAGAS[at]?.definition.input ?? {}, input).map(({ pointer }) => pointer);
  const [booking, onboarding] = SAGAS.map(({ input }) => input as Record<string, unknown>);

  test.each([
    ["a name", { person: "Ana Marques" }],
    ["a telephone number", { person: "+55 11 99999-0001" }],
    ["a number alone", { person: "5511999990001" }],
    ["a mail address", { person: "ana@example.com" }],
    ["somebody whole", { person: { name: "Ana" } }],
    ["another word's reference", { person: "slot_0912" }],
    ["something besides", { diagnosis: "M54.5" }],
    ["nobody", { person: undefined }],
    ["a negative amount", { amount: { minor: -1, currency: "EUR" } }],
    ["an amount with a note", { amount: { minor: 1, currency: "EUR", note: "for Ana" } }],
  ])("a booking with %s is refused", (_, change) => {
    expect(faultsOf(0, booking)).toEqual([]);
    const input = JSON.parse(JSON.stringify({ ...booking, ...change }));
    expect(faultsOf(0, input)).not.toEqual([]);
  });

  test.each([
    ["a name", { owner: "Ana" }],
    ["a channel that is none", { channel: "fax" }],
    ["a token", { token: "xoxb-1" }],
  ])("an onboarding with %s is refused", (_, change) => {
    expect(faultsOf(1, onboarding)).toEqual([]);
    expect(faultsOf(1, { ...onboarding, ...change })).not.toEqual([]);
  });
});
