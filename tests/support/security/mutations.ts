/** Requests that a platform could have sent, and what somebody in between could make of them. */
import * as fc from "fast-check";

export const NOW_SECONDS = 1_795_300_000;

/** An untouched request of now. */
export const UNTOUCHED: Recipe = {
  offset: 0,
  form: "plain",
  signsWriting: true,
  secret: "own",
  body: new Uint8Array(),
  later: { kind: "none", at: 0, byte: 0 },
  edits: [],
};

/** How a stamp is written, and whether that writing or the plain number was signed. */
export type StampForm = "plain" | "zero" | "plus" | "point" | "hex" | "ms" | "tail";

export interface Recipe {
  /** Stamp minus now, in seconds. */
  readonly offset: number;
  readonly form: StampForm;
  readonly signsWriting: boolean;
  readonly secret: "own" | "foreign";
  readonly body: Uint8Array;
  readonly later: BodyEdit;
  readonly edits: readonly HeaderEdit[];
}

interface BodyEdit {
  readonly kind: "none" | "flip" | "append" | "cut" | "mark";
  readonly at: number;
  readonly byte: number;
}

interface HeaderEdit {
  readonly header: number;
  readonly kind:
    | "drop"
    | "empty"
    | "double"
    | "double_other"
    | "replace"
    | "cut"
    | "extend"
    | "upper"
    | "prefix"
    | "respell";
  readonly at: number;
  readonly char: string;
}

const OFFSETS = [0, -1, 5, -299, -300, -301, 299, 300, 301, -3600, 3600, -86_400, 86_400];
const CHARS = [..."0123456789abcdefABCDEFgzv_-+/=,.: "];

/** Half of the requests come unchanged in body and headers, so that what is accepted is tried as well. */
export const recipes: fc.Arbitrary<Recipe> = fc.record({
  offset: fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom(...OFFSETS) },
    { weight: 1, arbitrary: fc.integer({ min: -600, max: 600 }) },
  ),
  form: fc.oneof(
    { weight: 8, arbitrary: fc.constant<StampForm>("plain") },
    {
      weight: 2,
      arbitrary: fc.constantFrom<StampForm>("zero", "plus", "point", "hex", "ms", "tail"),
    },
  ),
  signsWriting: fc.boolean(),
  secret: fc.oneof(
    { weight: 9, arbitrary: fc.constant("own" as const) },
    { weight: 1, arbitrary: fc.constant("foreign" as const) },
  ),
  body: fc.oneof(
    { weight: 6, arbitrary: fc.json().map((text) => new TextEncoder().encode(text)) },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 40 }) },
    { weight: 1, arbitrary: fc.string({ unit: "binary" }).map((text) => bytesOf(`\ufeff${text}`)) },
  ),
  later: fc.oneof(
    { weight: 4, arbitrary: fc.constant<BodyEdit>({ kind: "none", at: 0, byte: 0 }) },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constantFrom("flip", "append", "cut", "mark"),
        at: fc.nat(400),
        byte: fc.integer({ min: 1, max: 255 }),
      }),
    },
  ),
  edits: fc.oneof(
    { weight: 1, arbitrary: fc.constant([]) },
    { weight: 1, arbitrary: fc.array(headerEdits(), { minLength: 1, maxLength: 2 }) },
  ),
});

function headerEdits(): fc.Arbitrary<HeaderEdit> {
  return fc.record({
    header: fc.nat(2),
    kind: fc.constantFrom(
      "drop",
      "empty",
      "double",
      "double_other",
      "replace",
      "replace",
      "replace",
      "cut",
      "extend",
      "upper",
      "prefix",
      "respell",
    ),
    at: fc.nat(400),
    char: fc.constantFrom(...CHARS),
  });
}

/** The stamp as it is written. */
export function writtenStamp({ offset, form }: Recipe): string {
  const seconds = NOW_SECONDS + offset;
  switch (form) {
    case "zero":
      return `0${seconds}`;
    case "plus":
      return `+${seconds}`;
    case "point":
      return `${seconds}.0`;
    case "hex":
      return `0x${seconds.toString(16)}`;
    case "ms":
      return `${seconds}000`;
    case "tail":
      return `${seconds}s`;
    default:
      return String(seconds);
  }
}

/** The stamp as it is signed: as written, or as the number that a lenient reader makes of it. */
export function signedStamp(recipe: Recipe): string {
  if (recipe.signsWriting || recipe.form === "ms") return writtenStamp(recipe);
  return String(NOW_SECONDS + recipe.offset);
}

/** The body after it was signed. */
export function tampered({ body, later }: Recipe): Uint8Array<ArrayBuffer> {
  const at = body.length === 0 ? 0 : later.at % body.length;
  switch (later.kind) {
    case "flip":
      return Uint8Array.from(body, (byte, index) => (index === at ? byte ^ later.byte : byte));
    case "append":
      return Uint8Array.from([...body, later.byte]);
    case "cut":
      return Uint8Array.from(body.slice(0, at));
    case "mark":
      return Uint8Array.from([0xef, 0xbb, 0xbf, ...body]);
    default:
      return Uint8Array.from(body);
  }
}

export type HeaderMap = Readonly<Record<string, string>>;

/** The headers after they were set. `names`: those that an edit may concern, in order. */
export function editedHeaders(
  headers: HeaderMap,
  names: readonly string[],
  edits: readonly HeaderEdit[],
): HeaderMap {
  const edited = new Map(Object.entries(headers));
  for (const edit of edits) {
    const name = names[edit.header % names.length] as string;
    const next = editedValue(edited.get(name), edit);
    if (next === undefined) edited.delete(name);
    else edited.set(name, next.trim());
  }
  return Object.fromEntries(edited);
}

function editedValue(value: string | undefined, edit: HeaderEdit): string | undefined {
  if (value === undefined || edit.kind === "drop") return undefined;
  const at = value.length === 0 ? 0 : edit.at % value.length;
  switch (edit.kind) {
    case "empty":
      return "";
    case "double":
      return `${value}, ${value}`;
    case "double_other":
      return `${value}, ${edit.char}`;
    case "replace":
      return value.slice(0, at) + edit.char + value.slice(at + 1);
    case "cut":
      return value.slice(0, at);
    case "extend":
      return value + edit.char;
    case "upper":
      return value.toUpperCase();
    case "respell":
      return respelled(value);
    default:
      return edit.char + value;
  }
}

/** The same signature in a writing that a lenient reader takes for it. */
function respelled(value: string): string {
  if (/^v0=[0-9a-f]{64}$/.test(value)) return `${value}=x`;
  if (/^[0-9a-f]{128}$/.test(value)) return value.replace(/^((?:..)*?)0(.)/, "$1$2g");
  return value.replaceAll("+", "-").replaceAll("/", "_").replace(/=$/, "");
}

/** Whether a text decoder gives these bytes back unchanged. */
export function isPlainUtf8(bytes: Uint8Array): boolean {
  const again = new TextEncoder().encode(
    new TextDecoder("utf-8", { fatal: false, ignoreBOM: true }).decode(bytes),
  );
  return again.length === bytes.length && again.every((byte, index) => byte === bytes[index]);
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
