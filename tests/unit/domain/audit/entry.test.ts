/** What an entry of the audit trail may hold, and its one canonical form. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { AUDIT_TARGETS_MAX, auditEntry, canonicalJson } from "../../../../domain/audit/entry.ts";

describe("an entry", () => {
  test("holds ids and codes; what could be text, a person or a secret does not come in", () => {
    const entry = auditEntry(
      {
        ...{ id: "aud_1", atMs: 0, outcome: "refused", status: 404.4, durationMs: -3 },
        actor: { kind: "key", id: "hub_live_abcd1234_secret" },
        action: "send it to +49 170 1234567",
        target: {
          phone: "491701234567",
          mail: "alice@example.com",
          connection: "shop",
          "a b": "x",
        },
        code: "the card 4111 1111 1111 1111",
        trace: "a".repeat(32),
      },
      7,
    );
    expect(entry).toEqual({
      ...{ v: 1, seq: 7, id: "aud_1", at: "1970-01-01T00:00:00.000Z", outcome: "refused" },
      ...{ actor: { kind: "key", id: "[redacted]" }, action: "[redacted]", status: 404 },
      target: { phone: "[redacted]", mail: "[redacted]", connection: "shop", "[redacted]": "x" },
      ...{ code: "[redacted]", trace: "a".repeat(32), durationMs: 0 },
    });
  });

  test("has so many targets and no more", () => {
    const target = Object.fromEntries(Array.from({ length: 40 }, (_, n) => [`t${n}`, "x"]));
    const said = { id: "aud_1", atMs: 0, actor: { kind: "operator" }, action: "a" } as const;
    const entry = auditEntry({ ...said, target, outcome: "ok" }, 1);
    expect(Object.keys(entry.target)).toHaveLength(AUDIT_TARGETS_MAX);
  });

  test("has one canonical form, whatever the order of its members", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (members) => {
        const turned = Object.fromEntries(Object.entries(members).toReversed());
        expect(canonicalJson(turned)).toBe(canonicalJson(members));
        expect(JSON.parse(canonicalJson(members))).toEqual(JSON.parse(JSON.stringify(members)));
      }),
    );
  });
});
