/** What buttons carry: short enough for every platform, and worth nothing outside of where they were sent to. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { taskTag } from "../../../../../domain/workflows/tasks/tag.ts";
import { isTokenOf, readToken, taskToken } from "../../../../../domain/workflows/tasks/token.ts";

const SECRET = "a-secret";
const BOUND = {
  ...{ tenant: "acme", connection: "team", place: "T1:C1" },
  ...{ run: `run_${"0z".repeat(13)}`, task: "ask@1", choice: "approve" },
};

describe("a token", () => {
  test("fits a button of every platform, and says which task and choice it means", async () => {
    const token = await taskToken(SECRET, { ...BOUND, task: `${"x[0]".repeat(80)}@12` }, 9);
    expect(token.length).toBeLessThanOrEqual(100);
    expect(readToken(token)).toMatchObject({ run: BOUND.run, choice: 9 });
    const plain = readToken(await taskToken(SECRET, BOUND, 0));
    expect(plain).toMatchObject({ tag: taskTag("ask@1"), choice: 0 });
  });

  test.each(Object.keys(BOUND) as (keyof typeof BOUND)[])("is bound to its %s", async (name) => {
    const token = readToken(await taskToken(SECRET, BOUND, 0));
    if (!token) throw new Error("no token");
    expect(await isTokenOf(SECRET, token, BOUND)).toBe(true);
    const other = { ...BOUND, [name]: `${BOUND[name]}x` };
    expect(await isTokenOf(SECRET, token, other)).toBe(false);
    expect(await isTokenOf("another secret", token, BOUND)).toBe(false);
  });

  test("of no other text is read", async () => {
    const token = await taskToken(SECRET, BOUND, 1);
    for (const text of [`${token}x`, `x${token}`, token.slice(1), token.toUpperCase(), "", 1, null])
      expect(readToken(text)).toBeUndefined();
    fc.assert(fc.property(fc.string(), (text) => readToken(text) === undefined));
  });
});
