import { describe, expect, test } from "vitest";
import { parseVars } from "../../../schema/vars.ts";

const SECRETS = {
  ID_SECRET: "an id secret of length",
  KEK: "k1:a key of some length",
  MEDIA_SECRET: "a media secret of length",
};
const DEVELOPMENT = { ...SECRETS, ENVIRONMENT: "development" };

describe("the environment", () => {
  test("has defaults for everything but secrets, and leaves out what is not there", () => {
    const vars = parseVars({ ...SECRETS, DB: {}, ANYTHING: 5 });
    expect(vars).toMatchObject({ ENVIRONMENT: "production", ATTEMPTS_MAX: 8, DOH_URL: "" });
    for (const name of ["ADMIN_API_KEY", "SIMULATORS", "BREAK", "DB", "ANYTHING"]) {
      expect(vars).not.toHaveProperty(name);
    }
  });

  test("reads numbers out of texts, and JSON", () => {
    const vars = parseVars({
      ...DEVELOPMENT,
      RING_AFTER_MS: "250",
      ATTEMPTS_MAX: 3,
      SIMULATORS: '{"slack":"http://127.0.0.1:1"}',
    });
    expect(vars).toMatchObject({
      RING_AFTER_MS: 250,
      ATTEMPTS_MAX: 3,
      SIMULATORS: { slack: "http://127.0.0.1:1" },
    });
  });

  test.each([
    ["no secret", { ID_SECRET: undefined }, "ID_SECRET: missing"],
    ["a short secret", { KEK: "k1:short" }, "KEK: shorter than 12 characters"],
    ["a secret that is no text", { MEDIA_SECRET: 12 }, "MEDIA_SECRET: not a text"],
    ["an empty number", { RING_AFTER_MS: "" }, "RING_AFTER_MS: not a whole number"],
    ["a number with a rest", { ATTEMPTS_MAX: "3x" }, "ATTEMPTS_MAX: not a whole number"],
    ["half a number", { ATTEMPTS_MAX: "1.5" }, "ATTEMPTS_MAX: not a whole number"],
    ["a number too small", { RING_AFTER_MS: "49" }, "RING_AFTER_MS: not a whole number from 50"],
    ["a number too large", { EVENT_SHARDS: "65" }, "EVENT_SHARDS: not a whole number from 1 to 64"],
    ["an unknown word", { ENVIRONMENT: "prod" }, "ENVIRONMENT: not one of production"],
    ["an unknown defect", { BREAK: "all" }, "BREAK: not one of dedup"],
    ["broken JSON", { SIMULATORS: "{" }, "SIMULATORS: not JSON"],
    ["JSON that is no object", { SIMULATORS: "[]" }, "SIMULATORS: not a JSON object"],
    ["an unknown simulator", { SIMULATORS: '{"teams":"x"}' }, "SIMULATORS: not one of evolution"],
    ["a simulator that is no text", { SIMULATORS: '{"slack":1}' }, "SIMULATORS: not a text"],
  ])("%s is refused by name", (_, wrong, said) => {
    expect(() => parseVars({ ...DEVELOPMENT, ...wrong })).toThrow(said);
  });

  test("every bad variable is named at once, and no value is", () => {
    const wrong = { ...DEVELOPMENT, KEK: "hunter2", RING_AFTER_MS: "swordfish" };
    const error = (() => {
      try {
        return parseVars(wrong);
      } catch (thrown) {
        return String(thrown);
      }
    })();
    expect(error).toMatch(/KEK: .*; RING_AFTER_MS: /);
    expect(error).not.toMatch(/hunter2|swordfish/);
  });

  test.each([
    { EGRESS_ALLOW: "127.0.0.1" },
    { SIMULATORS: "{}" },
    { FAULT_PLAN: "[]" },
    { BREAK: "order" },
  ])("production refuses %o", (only) => {
    const production = { ...SECRETS, ENVIRONMENT: "production", ...only };
    expect(() => parseVars(production)).toThrow("refused in production");
    expect(() => parseVars({ ...production, ENVIRONMENT: "test" })).not.toThrow();
  });
});
