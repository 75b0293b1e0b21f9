import { describe, expect, test } from "vitest";
import { judgeAccess, normalizeAlias } from "../../../../domain/messaging/access.ts";
import type { AccessRule } from "../../../../schema/tenant.ts";

const NOW_MS = 1_790_000_000_000;

function rule(effect: AccessRule["effect"], pattern: string, more: Partial<AccessRule> = {}) {
  return { id: `${effect}:${pattern}`, effect, pattern, ...more };
}

function judge(rules: AccessRule[], ...aliases: string[]) {
  return judgeAccess({ rules, connection: "c1", aliases, nowMs: NOW_MS });
}

describe("normalizeAlias", () => {
  test.each([
    ["5511999990000@s.whatsapp.net", "5511999990000"],
    ["5511999990000:12@s.whatsapp.net", "5511999990000"],
    ["5511999990000@c.us", "5511999990000"],
    ["+55 (11) 99999-0000", "5511999990000"],
    ["123456789@lid", "123456789@lid"],
    ["123456789:3@LID", "123456789@lid"],
    ["U0ABC123", "u0abc123"],
    [" Ana ", "ana"],
    ["120363@g.us", "120363@g.us"],
    ["(-)", "(-)"],
    ["", ""],
  ])("%s is %s", (alias, normal) => {
    expect(normalizeAlias(alias)).toBe(normal);
  });
});

describe("judgeAccess", () => {
  test("lets everybody in without rules", () => {
    expect(judge([], "5511")).toEqual({ effect: "allow", because: "default" });
  });

  test("blocks by any of the sender's names, however it is written", () => {
    const rules = [rule("block", "+55 11 99999-0000")];
    expect(judge(rules, "77@lid", "5511999990000:4@s.whatsapp.net").effect).toBe("block");
    expect(judge(rules, "77@lid", "5511999990001@s.whatsapp.net").effect).toBe("allow");
  });

  test("a phone rule does not reach a LID with the same digits", () => {
    expect(judge([rule("block", "77")], "77@lid").effect).toBe("allow");
    expect(judge([rule("block", "77@lid")], "77@lid").effect).toBe("block");
  });

  test.each([
    ["longest match wins", ["block:5511*", "allow:551199*"], "allow"],
    ["in either order", ["allow:551199*", "block:5511*"], "allow"],
    ["a whole name beats a beginning of its length", ["block:5511999*", "allow:5511999"], "allow"],
    ["blocking wins a tie", ["allow:5511*", "block:5511*"], "block"],
    ["blocking wins a tie in either order", ["block:5511*", "allow:5511*"], "block"],
    ["a star alone reaches everybody", ["block:*"], "block"],
    ["a star alone is the weakest", ["block:*", "allow:55*"], "allow"],
    ["a star in the middle is no wildcard", ["block:55*99"], "allow"],
    ["an empty pattern matches nobody", ["block:"], "allow"],
  ])("%s", (_, rules, effect) => {
    const made = rules.map((each) => {
      const [kind, pattern] = each.split(":");
      return rule(kind as AccessRule["effect"], pattern ?? "");
    });
    expect(judge(made, "5511999").effect).toBe(effect);
  });

  test("names the rule it followed", () => {
    const verdict = judge([rule("block", "55*", { id: "r7" })], "5511");
    expect(verdict).toEqual({ effect: "block", because: "rule", rule: "r7" });
  });

  test("rules of another connection are not looked at", () => {
    const rules = [
      rule("block", "*", { connection: "c2" }),
      rule("allow", "1", { connection: "c2" }),
    ];
    expect(judge(rules, "5511")).toEqual({ effect: "allow", because: "default" });
  });

  test("an expired rule is void from its very moment", () => {
    expect(judge([rule("block", "*", { expiresAtMs: NOW_MS })], "5511").effect).toBe("allow");
    expect(judge([rule("block", "*", { expiresAtMs: NOW_MS + 1 })], "5511").effect).toBe("block");
  });

  test("an allow rule of the connection makes it an allow list", () => {
    const rules = [rule("allow", "5511", { connection: "c1" })];
    expect(judge(rules, "5511").effect).toBe("allow");
    expect(judge(rules, "5512")).toEqual({ effect: "block", because: "not_listed" });
  });

  test("a tenant-wide allow rule does not", () => {
    expect(judge([rule("allow", "5511")], "5512").effect).toBe("allow");
  });

  test("an allow list does not open when its last rule expires", () => {
    const rules = [rule("allow", "5511", { connection: "c1", expiresAtMs: NOW_MS - 1 })];
    expect(judge(rules, "5511")).toEqual({ effect: "block", because: "not_listed" });
  });

  test("a sender without any name is judged by the default", () => {
    expect(judge([rule("block", "55*")]).effect).toBe("allow");
    expect(judge([rule("allow", "5", { connection: "c1" })]).effect).toBe("block");
  });
});
