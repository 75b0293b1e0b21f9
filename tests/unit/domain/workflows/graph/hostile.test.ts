/** Pictures of definitions: nothing an author writes gets out of its place. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { mermaidOf } from "../../../../../domain/workflows/graph/mermaid.ts";
import { graphOf } from "../../../../../domain/workflows/graph/model.ts";
import { svgOf } from "../../../../../domain/workflows/graph/svg.ts";
import { definitionOf } from "../definition/samples.ts";

const HOSTILE = [
  '"]; click s1 "javascript:alert(1)"; x["',
  "</title><script>alert(1)</script>",
  "a' onload='alert(1)",
  "end",
  "%%{init: {'securityLevel':'loose'}}%%",
  "`**bold**`",
  "x\n  click s1 href evil",
  "\u0000\u0008\ud800\uffff",
  "]]>&#x3c;&lt;",
  "#quot;#60;",
];

/** XML 1.0, production 2. */
function isXmlCharacter(char: string): boolean {
  const code = char.codePointAt(0) ?? 0;
  if (code < 0x20) return code === 0x9 || code === 0xa || code === 0xd;
  return code <= 0xd7ff || (code >= 0xe000 && code <= 0xfffd) || code >= 0x10000;
}

describe("nothing an author writes is read as syntax", () => {
  const hostile = (text: string) =>
    definitionOf(
      [
        { id: "d", type: "decision", name: text, condition: text, next: ["s"] },
        { id: "s", type: "switch", cases: [{ when: text, name: text, next: "a" }] },
        { id: "a", type: "approval", title: text },
      ],
      { name: text },
    );
  // Names are never empty.
  const any = fc
    .oneof(fc.constantFrom(...HOSTILE), fc.string({ unit: "binary" }), fc.string())
    .map((text) => `t${text}`);

  test("Mermaid: quoted texts hold no quote, bracket, mark or line", () => {
    fc.assert(
      fc.property(any, (text) => {
        const lines = mermaidOf(graphOf(hostile(text)))
          .trim()
          .split("\n");
        const plain = mermaidOf(graphOf(hostile("x")))
          .trim()
          .split("\n");
        const bare = (line: string) => line.replace(/"[^"]*"/g, '""');
        expect(lines.map(bare)).toEqual(plain.map(bare));
        for (const [, inner = ""] of lines.join("\n").matchAll(/"([^"]*)"/g))
          expect(inner.replaceAll("<br/>", "").replace(/#\d+;/g, "")).toMatch(
            /^[\p{L}\p{N} .,_…-]*$/u,
          );
      }),
    );
  });

  test("SVG: the same elements and attributes whatever the text, and only XML's characters", () => {
    fc.assert(
      fc.property(any, (text) => {
        const svg = svgOf(graphOf(hostile(text)));
        const tags = (of: string) =>
          of.match(/<[^>]*>/g)?.map((tag) => tag.replace(/[\d.-]+/g, "0"));
        expect(tags(svg)).toEqual(tags(svgOf(graphOf(hostile("x")))));
        expect(svg.replace(/&(?:amp|lt|gt|quot|#39);/g, "")).not.toContain("&");
        expect(Array.from(svg).every(isXmlCharacter)).toBe(true);
      }),
    );
  });
});
