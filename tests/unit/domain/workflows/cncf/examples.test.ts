/** The DSL's own example documents and conformance kit: imported and run, or refused for the reasons listed here. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { tally } from "../../../../../dev/conformance/events-tally.ts";
import { runCron } from "../../../../../dev/conformance/workflows-cron.ts";
import { leftOut, runCtk, type Scenario } from "../../../../../dev/conformance/workflows-ctk.ts";
import { importCncfText } from "../../../../../domain/workflows/cncf/import.ts";
import { checkDefinition } from "../../../../../domain/workflows/definition/load.ts";

const FIXTURES = join(import.meta.dirname, "../../../../../../shared/fixtures/workflows");
const EXAMPLES = join(FIXTURES, "swf-examples");
const present = existsSync(EXAMPLES);

/** Why valid examples are refused: part of a file's name, and what one of the reasons says. */
const REFUSED: readonly (readonly [RegExp, string])[] = [
  [/^accumulate-room-readings/, "all: one event is waited for"],
  [/^authentication-oauth2/, "oauth2 authentication"],
  [/^authentication-oidc/, "oidc authentication"],
  [/^call-asyncapi/, "call asyncapi"],
  [/^call-custom-function-cataloged/, "a function out of a catalogue"],
  [/^call-grpc/, "call grpc"],
  [/^call-mcp/, "call mcp"],
  [/^call-openapi/, "call openapi"],
  [/^do-multiple/, "+ of objects (a merge)"],
  [/^for\./, ".pets of a list"],
  [/^listen-to-all/, "all: one event is waited for"],
  [/^listen-to-any-filter/, "any of several events"],
  [/^listen-to-any-forever-foreach/, "foreach: a loop over events"],
  [/^listen-to-any-until/, "until: one event is waited for"],
  [/^listen-to-any\./, "any event whatever"],
  [/^mock-service-extension/, "extensions are not taken over"],
  [/^run-(?:container|return)/, "run container"],
  [/^run-script/, "run script"],
  [/^run-shell/, "run shell"],
  [/^try-catch-then/, "+ of objects (a merge)"],
];

const names = present
  ? readdirSync(EXAMPLES).filter(
      (name) => name.endsWith(".yaml") && !name.startsWith("workflow.schema"),
    )
  : [];

function reasonOf(name: string): string | undefined {
  return REFUSED.find(([pattern]) => pattern.test(name))?.[1];
}

describe.skipIf(!present)("the examples (skipped where ../shared is absent)", () => {
  test.each(names)("%s", (name) => {
    const imported = importCncfText(readFileSync(join(EXAMPLES, name), "utf8"));
    const reason = reasonOf(name);
    if (reason === undefined) {
      if (!imported.ok) throw new Error(JSON.stringify(imported.failure));
      expect(checkDefinition(imported.value.definition)).toMatchObject({ ok: true });
    } else {
      expect(imported).toMatchObject({ ok: false });
      if (imported.ok) return;
      expect(imported.failure.map(({ detail }) => detail).join("; ")).toContain(reason);
      for (const { path, reason: kind } of imported.failure) {
        expect(path).toMatch(/^\//);
        expect(["not_supported", "expression"]).toContain(kind);
      }
    }
  });

  test("in numbers: what is imported, what is refused", () => {
    const refused = names.filter((name) => reasonOf(name) !== undefined);
    expect({
      all: names.length,
      imported: names.length - refused.length,
      refused: refused.length,
    }).toEqual({
      all: 66,
      imported: 28,
      refused: 38,
    });
  });

  test.each([
    ["extra-property-in-call.yaml", "/do/0/getPet/foo"],
    ["listen-any-until-any-until.yaml", ""],
    ["two-tasks-in-one-item.yaml", "/do/0"],
  ])("invalid/%s is refused at %j", (name, path) => {
    const imported = importCncfText(readFileSync(join(EXAMPLES, "invalid", name), "utf8"));
    expect(imported).toMatchObject({ ok: false });
    if (!imported.ok) expect(imported.failure[0]?.path).toBe(path);
  });
});

describe.skipIf(!present)("the conformance kit (skipped where ../shared is absent)", () => {
  const kit = (): readonly Scenario[] =>
    JSON.parse(readFileSync(join(FIXTURES, "ctk/ctk.parsed.json"), "utf8"));

  test("every scenario that maps holds; OpenAPI calls do not map", () => {
    const to = tally();
    runCtk(kit(), to);
    expect(to.sum()).toEqual({ cases: 19, failures: [], leftOut: 2 });
    const reasons = kit().flatMap((one) => leftOut(one) ?? []);
    expect(reasons.every((reason) => reason.includes("call openapi"))).toBe(true);
  });

  test("a scenario whose expectations are changed fails", () => {
    const changed = kit()
      .filter((one) => leftOut(one) === undefined)
      .map((one) => ({
        ...one,
        steps: [...one.steps, { kw: "And", text: "nobody should run first" }],
      }));
    const to = tally();
    runCtk(changed, to);
    expect(to.sum().failures).toHaveLength(19);
  });

  test("the cron cases hold, and a changed one does not", () => {
    const file = JSON.parse(readFileSync(join(FIXTURES, "cron/cases.json"), "utf8"));
    const to = tally();
    runCron(file, to);
    runCron([{ ...file[0], next: ["2026-03-28T01:31:00.000Z"] }], to);
    expect(to.sum()).toMatchObject({ cases: file.length + 1, failures: [expect.any(String)] });
  });
});
