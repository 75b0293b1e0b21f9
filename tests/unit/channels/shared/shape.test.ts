import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  anything,
  boolean,
  either,
  list,
  Misfit,
  nullish,
  number,
  object,
  optional,
  record,
  type Shape,
  text,
} from "../../../../channels/shared/shape.ts";

const PERSON = object({ id: text(1, 4), nick: nullish(text()), bot: optional(boolean) });
const DEEP = object({ people: list(PERSON, 2), by: optional(record(PERSON)), rest: anything });

interface Refusal {
  readonly is: string;
  readonly shape: Shape<unknown>;
  readonly value: unknown;
  readonly at: string;
}

const REFUSALS: readonly Refusal[] = [
  { is: "no string", shape: text(), value: 1, at: "invalid_type" },
  { is: "an empty string", shape: text(1), value: "", at: "too_small" },
  { is: "a long string", shape: text(0, 2), value: "abc", at: "too_big" },
  { is: "what JSON.parse makes of 1e999", shape: number, value: Infinity, at: "invalid_type" },
  { is: "a number for a flag", shape: boolean, value: 1, at: "invalid_type" },
  {
    is: "null where it may only be missing",
    shape: optional(text()),
    value: null,
    at: "invalid_type",
  },
  {
    is: "none of several",
    shape: either<unknown>(text(), number),
    value: true,
    at: "invalid_union",
  },
  { is: "a list for an object", shape: PERSON, value: [], at: "invalid_type" },
  { is: "an object for a list", shape: list(text()), value: {}, at: "invalid_type" },
  { is: "a missing member", shape: PERSON, value: {}, at: "id: invalid_type" },
  {
    is: "an inherited member",
    shape: PERSON,
    value: Object.create({ id: "1" }),
    at: "id: invalid_type",
  },
  {
    is: "a list too long",
    shape: DEEP,
    value: { people: [{ id: "1" }, { id: "2" }, { id: "3" }] },
    at: "people: too_big",
  },
  {
    is: "a deep member",
    shape: DEEP,
    value: { people: [{ id: "1" }, { id: 2 }] },
    at: "people.1.id: invalid_type",
  },
  {
    is: "a member of a map",
    shape: DEEP,
    value: { people: [], by: { x: { id: "12345" } } },
    at: "by.x.id: too_big",
  },
];

describe("a shape", () => {
  it.each(REFUSALS)("refuses $is", ({ shape, value, at }) => {
    const read = shape(value);
    expect(read).toBeInstanceOf(Misfit);
    const { path, code } = read as Misfit;
    expect([path.join("."), code].filter(Boolean).join(": ")).toBe(at);
  });

  it("drops what it does not name and keeps what is missing missing", () => {
    const value = { people: [{ id: "1", nick: null, secret: "x" }], other: 1, rest: { kept: [1] } };
    expect(DEEP(value)).toStrictEqual({ people: [{ id: "1", nick: null }], rest: { kept: [1] } });
  });

  it("reads no prototype out of a map", () => {
    const read = record(PERSON)(JSON.parse('{"__proto__":{"id":"1"},"a":{"id":"2"}}')) as object;
    expect(Object.keys(read)).toEqual(["a"]);
    expect(Object.getPrototypeOf(read)).toBe(Object.prototype);
  });

  it("is total, and reads what it has read as the same", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const read = DEEP(value);
        if (!(read instanceof Misfit)) expect(DEEP(read)).toStrictEqual(read);
      }),
    );
  });
});
