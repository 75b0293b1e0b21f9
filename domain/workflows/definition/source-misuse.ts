/**
 * What no definition's text may hold, found without writing its aliases out: keys that stand twice or are no texts, and
 * more values, levels or aliases than are allowed.
 */
import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type Node,
  type Pair,
} from "yaml";
import type { FaultReason } from "./fault.ts";
import { ALIASES_MAX, DEFINITION_DEPTH_MAX, DEFINITION_VALUES_MAX, FAULTS_MAX } from "./limits.ts";

export interface Misuse {
  readonly reason: FaultReason;
  readonly message: string;
  /** Index into the text. */
  readonly offset: number;
}

const NO_KEY =
  'a key must be a plain text; a value that begins with {{ stands in quotes: "{{ … }}"';

/** All misused keys; where the document is too large, deep or full of aliases, only that. */
export function misusesOf(document: Document): readonly Misuse[] {
  const pass: Pass = { document, misuses: [], values: 0, aliases: 0, excess: undefined };
  visit(document.contents, 0, pass);
  return pass.excess ? [pass.excess] : pass.misuses.slice(0, FAULTS_MAX);
}

interface Pass {
  readonly document: Document;
  readonly misuses: Misuse[];
  values: number;
  aliases: number;
  excess: Misuse | undefined;
}

function visit(node: unknown, depth: number, pass: Pass): void {
  pass.values += 1;
  if (isAlias(node)) pass.aliases += 1;
  pass.excess ??= excessOf(depth, pass);
  if (pass.excess) return;
  if (isAlias(node)) visitAlias(node, depth, pass);
  if (isSeq(node)) for (const item of node.items) visit(item, depth + 1, pass);
  if (isMap(node)) visitMap(node.items, depth, pass);
}

function visitAlias(alias: Alias, depth: number, pass: Pass): void {
  const target = alias.resolve(pass.document);
  const offset = alias.range?.[0] ?? 0;
  if (target) visit(target, depth + 1, pass);
  else
    pass.misuses.push({ reason: "syntax", message: "the alias names nothing before it", offset });
}

function excessOf(depth: number, { values, aliases }: Pass): Misuse | undefined {
  if (values > DEFINITION_VALUES_MAX)
    return { reason: "too_large", message: "holds too many values", offset: 0 };
  if (depth > DEFINITION_DEPTH_MAX)
    return { reason: "too_deep", message: "is nested too deeply", offset: 0 };
  return aliases > ALIASES_MAX
    ? { reason: "aliases", message: "has too many aliases", offset: 0 }
    : undefined;
}

function visitMap(pairs: readonly Pair[], depth: number, pass: Pass): void {
  const keys = new Set<string>();
  for (const { key, value } of pairs) {
    const offset = (key as Node | null)?.range?.[0] ?? 0;
    const name = isScalar(key) ? String(key.value) : undefined;
    if (name === undefined) pass.misuses.push({ reason: "syntax", message: NO_KEY, offset });
    else if (keys.has(name))
      pass.misuses.push({ reason: "duplicate_key", message: "the key stands twice here", offset });
    else keys.add(name);
    visit(value, depth + 1, pass);
  }
}
