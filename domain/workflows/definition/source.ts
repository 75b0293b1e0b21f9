/**
 * A definition's text, JSON or YAML (JSON is read as the YAML it is), and where in it each value stands. Hostile texts are
 * refused before their aliases are written out; nothing here looks at what the document means.
 */
import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  type YAMLError,
} from "yaml";
import { fail, ok, type Result } from "../../result.ts";
import { type DefinitionFault, type PathFault, pathText } from "./fault.ts";
import { ALIASES_MAX, DEFINITION_CHARS_MAX, FAULTS_MAX } from "./limits.ts";
import { misusesOf } from "./source-misuse.ts";

export interface Source {
  /** Plain JSON values. */
  readonly value: unknown;
  /** Says where a fault is. */
  place(fault: PathFault): DefinitionFault;
}

/** Reads the text, or says everything that is wrong with it as a text. */
export function readSource(text: string): Result<Source, readonly DefinitionFault[]> {
  if (text.length > DEFINITION_CHARS_MAX)
    return fail([whole("too_large", `the text is longer than ${DEFINITION_CHARS_MAX} characters`)]);
  const lines = new LineCounter();
  // Looking for repeated keys and preparing messages take quadratic time in the library.
  const options = {
    ...{ lineCounter: lines, prettyErrors: false, uniqueKeys: false },
    // Not part of YAML 1.2, and in use wherever YAML has anchors.
    merge: true,
  } as const;
  const document = parseDocument(text, options);
  const found = [...document.errors, ...document.warnings];
  const faults = found
    .filter(({ pos }, index) => index === 0 || pos[0] !== found[index - 1]?.pos[0])
    .slice(0, FAULTS_MAX)
    .map((error) => textFault(error, lines));
  if (faults.length > 0) return fail(faults);
  const misuses = misusesOf(document);
  if (misuses.length > 0)
    return fail(
      misuses.map(({ reason, message, offset }) => ({
        ...at(lines, offset),
        path: "",
        reason,
        message,
      })),
    );
  return ok({
    value: document.toJS({ maxAliasCount: ALIASES_MAX }),
    place: (fault) => placed(fault, document, lines, text),
  });
}

function whole(reason: DefinitionFault["reason"], message: string): DefinitionFault {
  return { line: 1, column: 1, path: "", reason, message };
}

function textFault({ code, message, pos }: YAMLError, lines: LineCounter): DefinitionFault {
  const place = { ...at(lines, pos[0]), path: "" };
  if (message.includes("call stack"))
    return { ...place, reason: "too_deep", message: "is nested too deeply" };
  const hint = HINTS[code];
  return { ...place, reason: "syntax", message: hint === undefined ? message : hint };
}

/** Where the library's own words say nothing to whoever wrote the text. */
const HINTS: Readonly<Partial<Record<YAMLError["code"], string>>> = {
  MULTIPLE_DOCS: "holds several documents",
  BLOCK_AS_IMPLICIT_KEY: 'cannot be a key and its value; a text with ": " in it stands in quotes',
};

function at(
  lines: LineCounter,
  offset: number,
): { readonly line: number; readonly column: number } {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(line, 1), column: Math.max(col, 1) };
}

function placed(
  { path, reason, message, onKey, offset }: PathFault,
  document: Document,
  lines: LineCounter,
  text: string,
): DefinitionFault {
  const found = nodeAt(document, path, onKey ?? false);
  const start = found?.range?.[0] ?? 0;
  const inner = offset === undefined ? 0 : offsetWithin(found, start, offset, text);
  return { ...at(lines, start + inner), path: pathText(path), reason, message };
}

/** The node at a path, or the nearest one around it. */
function nodeAt(document: Document, path: PathFault["path"], onKey: boolean): Node | undefined {
  let node: Node | undefined = document.contents ?? undefined;
  for (const [depth, part] of path.entries()) {
    const { key, value } = memberOf(isAlias(node) ? node.resolve(document) : node, part);
    const wantsKey = onKey && depth === path.length - 1;
    if (!value || wantsKey) return key ?? node;
    node = value;
  }
  return node;
}

function memberOf(node: Node | undefined, part: string | number): { key?: Node; value?: Node } {
  if (isSeq(node)) return { value: node.items[Number(part)] as Node };
  if (!isMap(node)) return {};
  const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(part));
  return pair ? { key: pair.key as Node, value: pair.value as Node } : {};
}

/** Only where the text stands in the source as it is, quoted or not. */
function offsetWithin(node: Node | undefined, start: number, offset: number, text: string): number {
  if (!isScalar(node) || typeof node.value !== "string") return 0;
  const quote = text.startsWith(node.value, start + 1) && /["']/.test(text[start] ?? "") ? 1 : 0;
  return quote === 1 || text.startsWith(node.value, start) ? offset + quote : 0;
}
