/**
 * What a cut may and may not do, over generated documents. `visibleText` strips what the writer adds
 * around text (fence lines, quote prefixes, marks, escapes, U+200B) and white space, which a cut drops.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type Dialect,
  PART_CHARS_MIN,
  renderMarkdown,
  renderParts,
} from "../../../../domain/formatting/render.ts";

const DIALECTS = ["whatsapp", "slack", "discord", "plain"] as const satisfies Dialect[];

const word = fc.stringMatching(/^[a-z]{1,12}$/);
const emoji = fc.constantFrom("👩‍👩‍👧", "🇧🇷", "é", "👍🏽", "❤️", "𝒳");
const url = word.map((name) => `https://ex.com/${name}?a=1&b=2`);
const inline = fc.oneof(
  { weight: 6, arbitrary: word },
  word.map((text) => `**${text} ${text}**`),
  word.map((text) => `*${text}*`),
  word.map((text) => `~~${text}~~`),
  word.map((text) => `\`${text} < x\``),
  fc.tuple(word, url).map(([text, href]) => `[${text} ${text}](${href})`),
  url,
  emoji,
  fc.constantFrom("2*3*4", "a_b_c", "<!here>", "5 < 6 & 7", "end.", "so!", ">", "-", "1."),
);
const paragraph = fc.array(inline, { minLength: 1, maxLength: 40 }).map((all) => all.join(" "));
const block = fc.oneof(
  { weight: 3, arbitrary: paragraph },
  paragraph.map((text) => `> ${text}\n> ${text}`),
  fc.array(paragraph, { minLength: 1, maxLength: 4 }).map((all) => `- ${all.join("\n- ")}`),
  fc
    .array(word, { minLength: 1, maxLength: 30 })
    .map((all) => `\`\`\`js\n${all.join("\n  ")}\n\`\`\``),
  word.map((text) => `## ${text}`),
  fc.tuple(word, word).map(([a, b]) => `| ${a} | ${b} |\n|---|---|\n| ${b} | ${a} |`),
);
const markdown = fc.array(block, { minLength: 1, maxLength: 8 }).map((all) => all.join("\n\n"));
/** Text that is nothing but signs. */
const noise = fc
  .array(fc.constantFrom(...("*_~`[]()<>!#-|\\& \n1.a中。😀".match(/./gsu) ?? [])), {
    maxLength: 400,
  })
  .map((all) => all.join(""));
const maxChars = fc.integer({ min: 70, max: 500 });
const anyText = fc.oneof(markdown, noise, fc.string({ unit: "binary", maxLength: 500 }));

function visibleText(parts: readonly string[]): string {
  return parts
    .map((part) => part.replaceAll(/^(?:> )?```[\w+#.-]*$/gm, "").replaceAll(/^> /gm, ""))
    .join("")
    .replaceAll(/[\s*_~`\\\u200b]/g, "");
}

function fenceCount(part: string): number {
  return part.match(/^(?:> )?```/gm)?.length ?? 0;
}

describe.each(DIALECTS)("%s", (dialect) => {
  test("no part is empty or longer than the limit, and none parts a surrogate pair", () => {
    fc.assert(
      fc.property(anyText, fc.integer({ min: PART_CHARS_MIN, max: 500 }), (text, max) => {
        const parts = renderParts(text, dialect, max);
        for (const part of parts) {
          expect(part.trim()).not.toBe("");
          expect(part.length).toBeLessThanOrEqual(max);
          expect(part.isWellFormed() || !text.isWellFormed()).toBe(true);
        }
      }),
    );
  });

  test("nothing is lost: the parts show what the whole shows", () => {
    fc.assert(
      fc.property(anyText, maxChars, (text, max) => {
        const whole = visibleText([renderMarkdown(text, dialect)]);
        expect(visibleText(renderParts(text, dialect, max))).toBe(whole);
      }),
    );
  });

  test("a text that fits is one part, as rendered whole", () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const whole = renderMarkdown(text, dialect);
        expect(renderParts(text, dialect, Math.max(1, whole.length))).toEqual(whole ? [whole] : []);
      }),
    );
  });

  test("fences are balanced in every part", () => {
    fc.assert(
      fc.property(fc.oneof(markdown, noise), maxChars, (text, max) => {
        for (const part of renderParts(text, dialect, max)) {
          if (dialect !== "plain") expect(fenceCount(part) % 2).toBe(0);
        }
      }),
    );
  });

  test("links stay whole", () => {
    const pattern = { whatsapp: /\w+ \w+ \(https:[^)]*\)|https:\S*/g, slack: /<https:[^>]*>/g };
    const links = (text: string) =>
      text.match(dialect === "slack" ? pattern.slack : pattern.whatsapp) ?? [];
    fc.assert(
      fc.property(markdown, maxChars, (text, max) => {
        const parts = renderParts(text, dialect, max);
        expect(parts.flatMap(links)).toEqual(links(renderMarkdown(text, dialect)));
      }),
    );
  });

  test("words stay whole", () => {
    const words = (text: string) => text.match(/[a-z]+/g) ?? [];
    fc.assert(
      fc.property(markdown, maxChars, (text, max) => {
        const strip = (part: string) => part.replaceAll(/```[a-z]*$/gm, "");
        const parts = renderParts(text, dialect, max).map(strip);
        expect(parts.flatMap(words)).toEqual(words(strip(renderMarkdown(text, dialect))));
      }),
    );
  });

  test("each part opens and closes its own marks", () => {
    const long = `**${"word ".repeat(200).trim()}**`;
    const sign = { whatsapp: "*", slack: "*", discord: "**", plain: "" }[dialect];
    const parts = renderParts(long, dialect, 120);
    expect(parts.length).toBeGreaterThan(1);
    for (const part of parts) {
      expect(part.startsWith(`${sign}word`)).toBe(true);
      expect(part.endsWith(`word${sign}`)).toBe(true);
    }
  });
});

describe("where a cut comes", () => {
  const sentence = "Lorem ipsum dolor sit amet.";

  test("a link is not taken apart for the marks that others on its line need", () => {
    const parts = renderParts("> **a a** [b](https://ex.com/c) d", "slack", 22);
    expect(parts).toEqual(["> *a a*", "> <https://ex.com/c|b>", "> d"]);
  });
  test("before a paragraph rather than before a line", () => {
    const parts = renderParts("one\n\ntwo\nthree four five", "plain", 18);
    expect(parts).toEqual(["one", "two", "three four five"]);
  });

  test("a paragraph that fits into a part is never cut", () => {
    const paragraphs = [1, 2, 3, 4, 5].map((n) => `${sentence} ${n}`);
    const parts = renderParts(paragraphs.join("\n\n"), "slack", 65);
    expect(parts).toEqual([
      `${paragraphs[0]}\n\n${paragraphs[1]}`,
      `${paragraphs[2]}\n\n${paragraphs[3]}`,
      paragraphs[4],
    ]);
  });

  test("before a line, then before a sentence, then before a word, then anywhere", () => {
    expect(renderParts("aaa bbb\nccc ddd", "plain", 9)).toEqual(["aaa bbb", "ccc ddd"]);
    expect(renderParts("Aa bb. Cc dd ee.", "plain", 10)).toEqual(["Aa bb.", "Cc dd ee."]);
    expect(renderParts("aaa bbb ccc", "plain", 8)).toEqual(["aaa bbb", "ccc"]);
    expect(renderParts("aaaaaaaaaa", "plain", 4)).toEqual(["aaaa", "aaaa", "aa"]);
    expect(renderParts("你好。世界很大。", "plain", 6)).toEqual(["你好。", "世界很大。"]);
  });

  test("a heading stays with what it heads", () => {
    const parts = renderParts("aaa\n\n# Head\n\nbody text", "discord", 20);
    expect(parts).toEqual(["aaa", "# Head\n\nbody text"]);
  });

  test("not before a sign that would start a quote or a list there", () => {
    for (const sign of [">", "-", "1.", "#"]) {
      for (const part of renderParts(`aaaa ${sign} bbbb ${sign} cccc`, "whatsapp", 9)) {
        expect(part.startsWith(sign)).toBe(false);
      }
    }
  });

  test("code closes and opens again, with its language on Discord", () => {
    const code = `\`\`\`ts\n${"let a = 1;\n".repeat(10)}\`\`\``;
    const discord = renderParts(code, "discord", 60);
    expect(discord.length).toBeGreaterThan(1);
    for (const part of discord) expect(part).toMatch(/^```ts\n(?:let a = 1;\n)+```$/);
    for (const part of renderParts(code, "slack", 60)) {
      expect(part).toMatch(/^```\n(?:let a = 1;\n)+```$/);
    }
  });

  test("a quote keeps its prefix in every part", () => {
    const parts = renderParts(`> ${"word ".repeat(40)}`, "whatsapp", 50);
    expect(parts.length).toBeGreaterThan(3);
    for (const part of parts) expect(part).toMatch(/^> word/);
  });

  test("graphemes stay whole where they fit", () => {
    const family = "👩‍👩‍👧";
    for (const part of renderParts(family.repeat(20), "discord", 20)) {
      expect(part.replaceAll(family, "")).toBe("");
    }
  });

  test("an entity and an escape stay whole", () => {
    const slack = renderParts("&".repeat(100), "slack", 12);
    for (const part of slack) expect(part).toMatch(/^(?:&amp;){1,2}$/);
    const discord = renderParts("a*a".repeat(100), "discord", 11);
    for (const part of discord) expect(part.endsWith("\\")).toBe(false);
  });

  test("an address longer than a part is shown as text in pieces, none a broken token", () => {
    const parts = renderParts(`[a](https://ex.com/${"x".repeat(300)})`, "slack", 100);
    expect(parts.join("")).toBe(`a (https://ex.com/${"x".repeat(300)})`);
  });

  test("Discord: 4,500 characters arrive whole in three messages of at most 2,000", () => {
    const text = Array.from({ length: 900 }, (_, n) => String(1000 + n))
      .join(" ")
      .slice(0, 4500);
    const parts = renderParts(text, "discord", 2000);
    expect(parts).toHaveLength(3);
    expect(parts.join(" ")).toBe(text.trim());
  });
});
