import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  childOf,
  formatTraceparent,
  newTraceparent,
  parseTraceparent,
} from "../../../../domain/observability/traceparent.ts";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN = "00f067aa0ba902b7";

describe("reading", () => {
  test.each([
    [`00-${TRACE}-${SPAN}-01`, true],
    [`00-${TRACE}-${SPAN}-00`, false],
    [`00-${TRACE}-${SPAN}-03`, true],
    [`01-${TRACE}-${SPAN}-01`, true],
    [`cc-${TRACE}-${SPAN}-00-what-comes-later`, false],
  ])("%s", (header, sampled) => {
    expect(parseTraceparent(header)).toEqual({ traceId: TRACE, spanId: SPAN, sampled });
  });

  test.each([
    undefined,
    null,
    "",
    "garbage",
    `ff-${TRACE}-${SPAN}-01`,
    `00-${TRACE}-${SPAN}-01-more`,
    `00-${TRACE}-${SPAN}-01-`,
    `01-${TRACE}-${SPAN}-01more`,
    `00-${TRACE.toUpperCase()}-${SPAN}-01`,
    `00-${"0".repeat(32)}-${SPAN}-01`,
    `00-${TRACE}-${"0".repeat(16)}-01`,
    `00-${TRACE.slice(1)}-${SPAN}-01`,
    `00-${TRACE}-${SPAN}-1`,
    `00-${TRACE}-${SPAN}-0g`,
    ` 00-${TRACE}-${SPAN}-01`,
    `00-${TRACE}-${SPAN}-01\n`,
    `00_${TRACE}_${SPAN}_01`,
    `01-${TRACE}-${SPAN}-01-${"x".repeat(600)}`,
  ])("%j is none", (header) => {
    expect(parseTraceparent(header)).toBeUndefined();
  });

  test("never throws, and what it reads it writes again", () => {
    fc.assert(
      fc.property(fc.string(), (header) => {
        const parsed = parseTraceparent(header);
        if (parsed) expect(parseTraceparent(formatTraceparent(parsed))).toEqual(parsed);
      }),
    );
  });
});

describe("making", () => {
  test("a new one is valid and sampled, whatever the random numbers", () => {
    const numbers = fc.array(fc.double({ min: 0, max: 0.999999, noNaN: true }), { minLength: 1 });
    fc.assert(
      fc.property(numbers, (draws) => {
        let at = 0;
        const random = () => draws[at++ % draws.length] ?? 0;
        const made = newTraceparent(random);
        expect(parseTraceparent(formatTraceparent(made))).toEqual(made);
      }),
    );
    expect(parseTraceparent(formatTraceparent(newTraceparent(() => 0)))?.sampled).toBe(true);
  });

  test("a child keeps trace and sampling, with a span of its own", () => {
    const parent = { traceId: TRACE, spanId: SPAN, sampled: false };
    const child = childOf(parent, Math.random);
    expect(child).toMatchObject({ traceId: TRACE, sampled: false });
    expect(child.spanId).not.toBe(SPAN);
  });
});
