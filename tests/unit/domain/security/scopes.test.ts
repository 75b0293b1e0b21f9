import { expect, test } from "vitest";
import { allows, mayGrant } from "../../../../domain/security/scopes.ts";
import { Scope } from "../../../../schema/tenant.ts";

test.each([
  [["*"], "messages:write", true],
  [["messages:*"], "messages:write", true],
  [["messages:write"], "messages:write", true],
  [["messages:write"], "messages:read", false],
  [["messages:read"], "messages:write", false],
  [["message:*"], "messages:read", false],
  [[], "messages:read", false],
])("%j allows %s: %s", (granted, needed, expected) => {
  expect(allows(granted, needed)).toBe(expected);
});

test.each([
  [["*"], ["*"], true],
  [["a:*"], ["*"], false],
  [["a:*"], ["a:*", "a:read"], true],
  [["a:read", "a:write"], ["a:*"], true],
  [["a:read"], ["a:*"], false],
  [["a:read"], ["a:read", "b:read"], false],
  [["a:read"], [], true],
])("a key with %j may grant %j: %s", (granted, wanted, expected) => {
  expect(mayGrant(granted, wanted)).toBe(expected);
});

test.each(["*", "messages:read", "dead-letters:write", "api-keys:*"])("%s is a scope", (scope) => {
  expect(Scope.safeParse(scope).success).toBe(true);
});

test.each([
  "",
  "messages",
  "Messages:read",
  "messages:delete",
  "messages:read ",
  "*:read",
  "a:*:b",
])("%j is no scope", (scope) => {
  expect(Scope.safeParse(scope).success).toBe(false);
});
