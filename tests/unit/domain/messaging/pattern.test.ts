import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  checkPattern,
  MATCHED_CHARS_MAX,
  matchPattern,
} from "../../../../domain/messaging/pattern.ts";
import { cpuMs } from "../../../support/cpu-clock.ts";

const budget = () => ({ steps: 2_000_000 });

function native(source: string, text: string): (string | undefined)[] | undefined {
  const match = new RegExp(source, "iu").exec(text);
  return match ? [...match] : undefined;
}

const texts = fc
  .array(fc.constantFrom("a", "b", "c", "1", " ", "é", "😀", "A"), { maxLength: 8 })
  .map((chars) => chars.join(""));

interface Made {
  readonly source: string;
  /** May match nothing at all. */
  readonly empty: boolean;
}

const QUANTIFIERS = ["", "*", "+", "?", "*?", "+?", "??", "{2}", "{1,2}", "{0,2}?", "{1,}"];

/** Expressions of at most 200 characters; with `loose`, also quantifiers over what can be empty. */
function patterns(loose: boolean): fc.Arbitrary<string> {
  const chars = ["a", "b", "c", ".", "[ab]", "[^a]", "\\d", "\\w", "é", "😀"];
  const one = fc.constantFrom(...chars).map((source) => ({ source, empty: false }));
  const edge = fc.constantFrom("\\b", "^", "$", "").map((source) => ({ source, empty: true }));
  const { made } = fc.letrec<{ made: Made; repeated: Made }>((tie) => ({
    repeated: fc
      .tuple(
        fc.oneof(one, fc.tuple(tie("made"), fc.boolean()).map(grouped)),
        fc.constantFrom(...QUANTIFIERS),
      )
      .map(([{ source, empty }, quantifier]) => {
        if (empty && !loose) return { source, empty };
        return { source: source + quantifier, empty: empty || /^[*?]|^\{0/.test(quantifier) };
      }),
    made: fc.oneof(
      { depthSize: "small", withCrossShrink: true },
      one,
      edge,
      tie("repeated"),
      fc.tuple(tie("repeated"), tie("repeated")).map(([a, b]) => ({
        source: a.source + b.source,
        empty: a.empty && b.empty,
      })),
      fc.tuple(tie("made"), tie("repeated")).map(([a, b]) => ({
        source: `${a.source}|${b.source}`,
        empty: a.empty || b.empty,
      })),
    ),
  }));
  return made.map(({ source }) => source).filter((source) => source.length < 200);
}

function grouped([made, capturing]: [Made, boolean]): Made {
  return { ...made, source: capturing ? `(${made.source})` : `(?:${made.source})` };
}

describe("checkPattern", () => {
  test.each([
    ["^hello$"],
    ["(order|pedido)\\s*#?(\\d+)"],
    ["^(?:oi|olá)[!. ]*$"],
    ["(?<name>\\w+)@\\w+\\.com"],
    ["a{2,5}?b"],
    ["(a+)+$"],
    ["\\p{L}+"],
    ["[\\]\\-x]"],
    ["\\u{1F600}"],
    [""],
  ])("accepts %s", (source) => {
    expect(checkPattern(source)).toEqual({ ok: true, value: undefined });
  });

  test.each([
    ["(a)\\1", "backreference", 3],
    ["(?<n>a)\\k<n>", "backreference", 7],
    ["a(?=b)", "lookaround", 1],
    ["a(?!b)", "lookaround", 1],
    ["(?<=a)b", "lookaround", 0],
    ["(?<!a)b", "lookaround", 0],
    ["(?i:a)", "modifiers", 0],
    ["a(b", "syntax", 3],
    ["a)b", "syntax", 1],
    ["*a", "syntax", 0],
    ["[a", "syntax", 0],
    ["a{3,1}", "syntax", 6],
    ["((a{1000}){1000}){1000}", "too_large", 0],
    [`${"(".repeat(21)}a${")".repeat(21)}`, "too_large", 0],
    [`(${"(x{999999999}){999999999}".repeat(10)}){0,999999999}`, "too_large", 0],
    ["a".repeat(501), "too_long", 500],
  ])("refuses %s as %s", (source, reason, position) => {
    expect(checkPattern(source)).toEqual({ ok: false, failure: { reason, position } });
  });
});

describe("matchPattern", () => {
  test("agrees with the runtime's own engine on a table", () => {
    const sources = [
      "^a|b$",
      "(a)|(b)",
      "(?:(a)|b)*",
      "(a*)*",
      "(|a)*",
      "(a?)*?b",
      "\\bfoo\\b",
      "x{0}y",
    ];
    const texts = ["", "a", "b", "ab", "aab", "xa foo", "foobar", "y", "AB", "a\nb"];
    for (const source of sources) {
      for (const text of texts) {
        expect([source, text, matchPattern(source, text, budget())]).toEqual([
          source,
          text,
          native(source, text),
        ]);
      }
    }
  });

  test("says like the runtime's own engine whether a generated expression matches", () => {
    fc.assert(
      fc.property(patterns(true), texts, (source, text) => {
        fc.pre(checkPattern(source).ok);
        const captures = matchPattern(source, text, budget());
        expect(captures !== undefined).toBe(new RegExp(source, "iu").test(text));
      }),
      { numRuns: 3000, seed: 20_261_121 },
    );
  });

  test("finds what the runtime's own engine finds, unless something possibly empty is repeated", () => {
    fc.assert(
      fc.property(patterns(false), texts, (source, text) => {
        fc.pre(checkPattern(source).ok);
        expect(matchPattern(source, text, budget())).toEqual(native(source, text));
      }),
      { numRuns: 3000, seed: 20_261_121 },
    );
  });

  test.each([
    ["(a+)+$"],
    ["(a|a)*$"],
    ["(a*)*b"],
    ["a*a*a*a*a*a*b"],
    ["(?:a?){30}a{30}$"],
    ["^(([a-z])+.)+[A-Z]([a-z])+$"],
    [".*a.*a.*a.*a.*b"],
  ])("stays fast on %s against a long run of a", (source) => {
    const startMs = cpuMs();
    matchPattern(source, `${"a".repeat(5000)}!`, budget());
    expect(cpuMs() - startMs).toBeLessThan(1500);
  });

  test("ends with its budget and says so", () => {
    const small = { steps: 100 };
    expect(matchPattern("(a|b)*c", "ab".repeat(100), small)).toBeUndefined();
    expect(small.steps).toBeLessThanOrEqual(0);
  });

  test("looks at a bounded part of the text", () => {
    const text = `${"x".repeat(MATCHED_CHARS_MAX)}needle`;
    expect(matchPattern("needle", text, budget())).toBeUndefined();
    expect(matchPattern("needle", text.slice(6), budget())).toEqual(["needle"]);
  });

  test("an unusable expression matches nothing", () => {
    expect(matchPattern("(a)\\1", "aa", budget())).toBeUndefined();
  });
});
