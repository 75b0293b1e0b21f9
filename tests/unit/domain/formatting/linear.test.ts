/** What a text of one sign, again and again, costs: as much as it is long. */
import { describe, expect, test } from "vitest";
import { type Dialect, renderParts } from "../../../../domain/formatting/render.ts";
import { cpuMs } from "../../../support/cpu-clock.ts";

const DIALECTS = ["whatsapp", "slack", "discord", "plain"] as const satisfies Dialect[];

describe("pathological input is linear and total", () => {
  const CHARS = 100_000;
  /** Eight times the text costs eight times as much; 64 times as much would be a square. */
  const SHORTER = 8;
  const TIMES_MAX = 24;
  const SLACK_MS = 100;
  test.each([
    "*",
    "**a",
    "*a ",
    "a*b_",
    "_a__",
    "`",
    "``a`",
    "[",
    "![",
    "[a](",
    "[a](b",
    "](",
    "<",
    "<a@",
    "&",
    "&amp",
    ">",
    "> ",
    "- ",
    "  - a\n",
    "- a\n",
    "1. ",
    "#",
    "# a\n",
    "|",
    "|a",
    "|a|\n|-|\n",
    "a|b\n-|-\n",
    "~~a ",
    "~~~\n",
    "```\n",
    "\\",
    "https://",
    "https://a)",
    "(",
    " ",
    "\n",
    "\n\n",
    "a\n",
    "> a\n\n",
    "😀",
    "e\u0301",
    "\u200d",
    "*a **b _c __d ",
    "[a](https://b.c) ",
    "\t",
    "-",
    "\\|",
    "<br>",
    "h",
    "!",
    "|".concat("a|".repeat(50), "\n"),
  ])("%j repeated", (unit) => {
    const [short, long] = [costMs(unit, CHARS / SHORTER), costMs(unit, CHARS)];
    expect(long).toBeLessThan(short * TIMES_MAX + SLACK_MS);
  });

  function costMs(unit: string, chars: number): number {
    const text = unit.repeat(Math.ceil(chars / unit.length)).slice(0, chars);
    const startMs = cpuMs();
    for (const dialect of DIALECTS) {
      for (const part of renderParts(text, dialect, 2000)) {
        expect(part.length).toBeLessThanOrEqual(2000);
      }
    }
    return cpuMs() - startMs;
  }
});
