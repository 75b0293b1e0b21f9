import { expect, test } from "vitest";
import { cleanFields, type SafeFields } from "../../../../domain/observability/fields.ts";
import { REDACTED } from "../../../../domain/observability/safe-value.ts";

const clean = (fields: unknown) => Object.fromEntries(cleanFields(fields as SafeFields));

test("known fields with fitting values go through in their order", () => {
  expect(
    cleanFields({ tenant: "acme", durationMs: 12.5, ok: true, messages: 0, reason: undefined }),
  ).toEqual([
    ["tenant", "acme"],
    ["durationMs", 12.5],
    ["ok", true],
    ["messages", 0],
  ]);
});

test("a field that is not in the table is dropped, inherited names too", () => {
  expect(clean({ text: "hi", phone: "1", toString: "x", constructor: "y" })).toEqual({});
  expect(clean(JSON.parse('{"__proto__": "x", "tenant": "acme"}'))).toEqual({ tenant: "acme" });
});

test.each([
  [{ tenant: 5511987654321 }],
  [{ tenant: { id: "acme" } }],
  [{ tenant: null }],
  [{ messages: "5511987654321" }],
  [{ messages: 5511987654321 }],
  [{ messages: -1 }],
  [{ messages: Number.NaN }],
  [{ durationMs: 5511987654321 }],
  [{ bytes: 5511987654321 }],
  [{ httpStatus: 1000 }],
  [{ ok: "yes" }],
])("%j is redacted", (fields) => {
  expect(Object.values(clean(fields))).toEqual([REDACTED]);
});
