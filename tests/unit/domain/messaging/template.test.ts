import { describe, expect, test } from "vitest";
import { RENDERED_CHARS_MAX, renderTemplate } from "../../../../domain/messaging/template.ts";
import { cpuMs } from "../../../support/cpu-clock.ts";

const values = new Map([
  ["text", "hi {{sender.id}}"],
  ["sender.name", "Ana"],
  ["empty", ""],
]);

function render(template: string): string {
  return renderTemplate(template, (name) => values.get(name));
}

describe("renderTemplate", () => {
  test.each([
    ["echo: {{text}}", "echo: hi {{sender.id}}"],
    ["{{ sender.name }}!", "Ana!"],
    ["{{nobody}}|{{empty}}|", "||"],
    ["{{{sender.name}}}", "{Ana}"],
    ["{{sender.name}}{{sender.name}}", "AnaAna"],
    ["{{", "{{"],
    ["{{sender.name", "{{sender.name"],
    ["{{}}", "{{}}"],
    ["{{a b}}", "{{a b}}"],
    ["{{constructor}}{{__proto__}}", ""],
    ["$& $1 {{sender.name}}", "$& $1 Ana"],
    ["", ""],
  ])("%s gives %s", (template, text) => {
    expect(render(template)).toBe(text);
  });

  test("is linear in braces and names", () => {
    const startMs = cpuMs();
    render("{".repeat(200_000));
    render(`{{${"a".repeat(200_000)}`);
    render("{{a".repeat(60_000));
    expect(cpuMs() - startMs).toBeLessThan(1000);
  });

  test("cuts what grows too long", () => {
    const long = renderTemplate("{{text}}".repeat(50), () => "x".repeat(4000));
    expect(long).toHaveLength(RENDERED_CHARS_MAX);
  });

  test("never ends in half a character", () => {
    const long = renderTemplate("{{text}}", () => `x${"😀".repeat(RENDERED_CHARS_MAX)}`);
    expect(long.isWellFormed()).toBe(true);
  });
});
