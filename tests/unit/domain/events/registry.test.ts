import { describe, expect, test } from "vitest";
import { nearestName } from "../../../../domain/events/nearest-name.ts";
import {
  addVersion,
  type Compatibility,
  checkEvent,
  compareVersions,
  type EventTypeEntry,
} from "../../../../domain/events/registry.ts";
import type { JsonSchema } from "../../../../domain/events/schema-compatibility.ts";

const order = {
  type: "object",
  properties: { id: { type: "string" }, total: { type: "integer" } },
  required: ["id"],
};
const entry = (compatibility: Compatibility, schema: JsonSchema = order): EventTypeEntry => ({
  name: "order.created",
  compatibility,
  versions: [{ version: "1.0", schema }],
});

describe("new versions", () => {
  const optional = { ...order, properties: { ...order.properties, note: { type: "string" } } };
  const required = { ...optional, required: ["id", "note"] };
  const fewer = { ...order, properties: { id: { type: "string" } }, required: [] };
  const wider = { ...order, properties: { ...order.properties, total: { type: "number" } } };

  test.each([
    ["an optional property", optional, ["backward", "forward", "full", "none"]],
    ["a required property", required, ["forward", "none"]],
    ["a property that need not be there any more", fewer, ["backward", "none"]],
    ["a wider type", wider, ["backward", "none"]],
  ] as const)("%s is let in by %j only", (_, schema, modes) => {
    const letIn = (["backward", "forward", "full", "none"] as const).filter(
      (mode) => addVersion(entry(mode), { version: "1.1", schema }).ok,
    );
    expect(letIn).toEqual(modes);
  });

  test("a refusal names every place, which way, and in words", () => {
    const schema = {
      ...required,
      properties: { id: { type: "integer" }, total: { type: "integer", minimum: 1 } },
    };
    expect(addVersion(entry("full"), { version: "2", schema })).toEqual({
      ok: false,
      failure: {
        reason: "incompatible",
        breaks: [
          {
            pointer: "/required",
            change: "required",
            message: '"note" is required now',
            direction: "backward",
          },
          {
            pointer: "/properties/id/type",
            change: "type",
            message: "no longer takes string: only integer",
            direction: "backward",
          },
          {
            pointer: "/properties/total/minimum",
            change: "bound",
            message: "must be above or at 1 now",
            direction: "backward",
          },
          {
            pointer: "/properties/id/type",
            change: "type",
            message: "no longer takes integer: only string",
            direction: "forward",
          },
        ],
      },
    });
  });

  test("versions rise; the same one again changes nothing", () => {
    const known = entry("none");
    expect(addVersion(known, { version: "1", schema: order })).toMatchObject({
      failure: { reason: "not_rising", last: "1.0" },
    });
    expect(addVersion(known, { version: "1.0", schema: order })).toEqual({
      ok: true,
      value: known,
    });
    const next = addVersion(known, { version: "1.10", schema: optional });
    expect(next.ok && next.value.versions.map(({ version }) => version)).toEqual(["1.0", "1.10"]);
    expect(compareVersions("1.10", "1.9")).toBeGreaterThan(0);
    expect(compareVersions("2", "2.0")).toBe(0);
    const deep: unknown = JSON.parse(`{"a":${"[".repeat(50_000)}${"]".repeat(50_000)}}`);
    expect(addVersion(known, { version: "2", schema: deep as JsonSchema })).toMatchObject({
      failure: { reason: "too_deep" },
    });
    const full = {
      ...known,
      versions: Array.from({ length: 100 }, (_, n) => ({ version: `${n + 1}`, schema: order })),
    };
    expect(addVersion(full, { version: "101", schema: order })).toMatchObject({
      failure: { reason: "too_many" },
    });
  });
});

describe("checking an event", () => {
  const types = new Map([["order.created", entry("none")]]);
  const seen: unknown[] = [];
  const validate = (schema: JsonSchema, data: unknown) => {
    seen.push([schema, data]);
    return data === 1 ? [{ pointer: "", message: "is no object" }] : [];
  };

  test("its data meets the schema of its version, the last one where it names none", () => {
    for (const version of ["1.0", "1", undefined]) {
      const event = { type: "order.created", data: { id: "a" }, ...(version ? { version } : {}) };
      expect(checkEvent(types, event, validate)).toMatchObject({ value: { version: "1.0" } });
    }
    expect(seen).toEqual(new Array(3).fill([order, { id: "a" }]));
  });

  test.each([
    [
      { type: "order.creatd", data: 0 },
      { reason: "unknown_type", nearest: "order.created" },
    ],
    [{ type: "invoice.paid", data: 0 }, { reason: "unknown_type" }],
    [
      { type: "order.created", version: "3", data: 0 },
      { reason: "unknown_version", known: ["1.0"] },
    ],
    [
      { type: "order.created", data: 1 },
      { reason: "invalid_data", errors: [{ pointer: "", message: "is no object" }] },
    ],
  ])("%j: %j", (event, failure) => {
    expect(checkEvent(types, event, validate)).toEqual({ ok: false, failure });
  });
});

describe("the nearest name", () => {
  test("neighbours that swapped places are one mistake", () => {
    expect(nearestName("tset", ["test"])).toBe("test");
  });

  const names = ["order.created", "order.updated", "order.cancelled", "user.created"];

  test.each([
    ["order.cerated", "order.created"],
    ["Order.Created", "order.created"],
    ["orders.created", "order.created"],
    ["order.canceled", "order.cancelled"],
    ["usr.created", "user.created"],
    ["something.else.entirely", undefined],
    ["", undefined],
    ["x".repeat(300), undefined],
  ])("%s: %s", (name, expected) => {
    expect(nearestName(name, names)).toBe(expected);
  });
});
