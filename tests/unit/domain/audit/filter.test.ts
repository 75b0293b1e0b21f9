/** Which entries a question is about: every member that is given must fit. */
import { expect, test } from "vitest";
import { auditEntry } from "../../../../domain/audit/entry.ts";
import { type AuditFilter, matches } from "../../../../domain/audit/filter.ts";

const AT_MS = Date.UTC(2026, 10, 21);
const entry = auditEntry(
  {
    ...{ id: "aud_1", atMs: AT_MS, actor: { kind: "key", id: "key_1" }, action: "createSecret" },
    ...{ target: { tenant: "acme", secret: "pay" }, outcome: "refused", trace: "a".repeat(32) },
  },
  1,
);

test.each<[AuditFilter, boolean]>([
  [{}, true],
  [{ actor: "key_1" }, true],
  [{ actor: "key" }, false],
  [{ actorKind: "key" }, true],
  [{ actorKind: "operator" }, false],
  [{ action: "createSecret" }, true],
  [{ action: "create" }, false],
  [{ target: "pay" }, true],
  [{ target: "secret" }, false],
  [{ outcome: "refused" }, true],
  [{ outcome: "ok" }, false],
  [{ trace: "a".repeat(32) }, true],
  [{ trace: "b".repeat(32) }, false],
  [{ sinceMs: AT_MS }, true],
  [{ sinceMs: AT_MS + 1 }, false],
  [{ untilMs: AT_MS }, false],
  [{ untilMs: AT_MS + 1 }, true],
  [{ actor: "key_1", target: "pay", outcome: "refused", sinceMs: 0 }, true],
  [{ actor: "key_1", target: "pay", outcome: "ok" }, false],
])("%j: %s", (filter, fits) => {
  expect(matches(entry, filter)).toBe(fits);
});
