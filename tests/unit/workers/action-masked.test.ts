/** Secrets that come back: another side that repeats what it was sent does not get it into the run. */
import { describe, expect, test } from "vitest";
import { masked } from "../../../workers/workflows/actions/masked.ts";

const SECRETS = new Map([
  ["token", "s3cret-tok3n"],
  ["quoted", 'a"quoted\nvalue'],
  ["short", "abc"],
]);

describe("what an action gives back", () => {
  test("holds no secret, wherever it stands", () => {
    const value = {
      body: { echoed: "Bearer s3cret-tok3n", list: ['x a"quoted\nvalue y'], abc: 1 },
      "s3cret-tok3n": true,
    };
    expect(masked({ ok: true, value }, SECRETS)).toEqual({
      ok: true,
      value: {
        body: { echoed: "Bearer [secret token]", list: ["x [secret quoted] y"], abc: 1 },
        "[secret token]": true,
      },
    });
  });

  test("nor does its failure, whose words are cut behind that", () => {
    const message = `${"x".repeat(495)}s3cret-tok3n`;
    const failed = masked({ ok: false, failure: { reason: "http.401", message } }, SECRETS);
    expect(failed.ok ? "" : failed.failure).toEqual({
      reason: "http.401",
      message: `${"x".repeat(495)}[secr`,
    });
  });

  test.each([
    [{ ok: true, value: null }],
    [{ ok: true, value: "s3cret" }],
    [{ ok: false, failure: { reason: "timeout" } }],
  ] as const)("is as it was where there is none: %j", (result) => {
    expect(masked(result, SECRETS)).toEqual(result);
  });
});
