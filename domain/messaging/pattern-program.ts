/**
 * Turns a pattern's tree into a small program and runs it over a text, all alternatives at once: the time
 * is at most text length times program length, whatever the expression. The result is the one JavaScript's own
 * engine would find: leftmost, first alternative first, greedy unless lazy. Only where something that can be
 * empty is itself repeated may the length of the match and its groups differ.
 */
import type { PatternNode } from "./pattern-syntax.ts";

/** Longest program, in instructions; counted repetitions are written out. */
export const PROGRAM_LENGTH_MAX = 1000;

type Instruction =
  | { readonly op: "char"; readonly fits: (char: string) => boolean }
  | { readonly op: "assert"; readonly what: "start" | "end" | "word" | "not_word" }
  | { readonly op: "save"; readonly slot: number }
  | { readonly op: "forget"; readonly from: number; readonly to: number }
  /** Goes on only where something was read since `slot` was saved: an optional round must not be empty. */
  | { readonly op: "progress"; readonly slot: number }
  | { readonly op: "jump"; to: number }
  /** Goes on at both places; `first` is preferred. */
  | { readonly op: "fork"; first: number; second: number }
  | { readonly op: "match" };

export interface Program {
  readonly instructions: readonly Instruction[];
  /** The whole match and the groups, two slots each; then one for every optional repetition. */
  readonly slots: number;
  readonly groups: number;
}

/** Steps left to whoever shares this budget; matching gives up when none are left. */
export interface Budget {
  steps: number;
}

/** How many instructions a tree needs; compared with `PROGRAM_LENGTH_MAX` before anything is written out. */
export function programLength(node: PatternNode): number {
  switch (node.is) {
    case "char":
    case "assert":
      return 1;
    case "group":
      return programLength(node.node) + 2;
    case "sequence":
      return node.nodes.reduce((sum, each) => sum + programLength(each), 0);
    case "choice":
      return node.nodes.reduce((sum, each) => sum + programLength(each) + 2, 0);
    case "repeat": {
      const round = programLength(node.node) + 1;
      const optional = node.max === Number.POSITIVE_INFINITY ? 1 : node.max - node.min;
      return node.min * round + optional * (round + 4);
    }
  }
}

/** The program of a tree that was found short enough. `flags`: `iu`, or `u` where case counts. */
export function compile(node: PatternNode, groups: number, flags: "iu" | "u" = "iu"): Program {
  const out: Output = Object.assign([], { slots: (groups + 1) * 2, flags });
  emit(node, out);
  out.push({ op: "match" });
  return { instructions: out, slots: out.slots, groups };
}

type Repeat = Extract<PatternNode, { is: "repeat" }>;
type Output = Instruction[] & { slots: number; readonly flags: "iu" | "u" };

function emit(node: PatternNode, out: Output): void {
  switch (node.is) {
    case "char":
      out.push({ op: "char", fits: charTest(node.source, out.flags) });
      return;
    case "assert":
      out.push({ op: "assert", what: node.what });
      return;
    case "group":
      out.push({ op: "save", slot: node.index * 2 });
      emit(node.node, out);
      out.push({ op: "save", slot: node.index * 2 + 1 });
      return;
    case "sequence":
      for (const each of node.nodes) emit(each, out);
      return;
    case "choice":
      emitChoice(node.nodes, out);
      return;
    case "repeat":
      emitRepeat(node, out);
  }
}

function emitChoice(nodes: readonly PatternNode[], out: Output): void {
  const ends: Extract<Instruction, { op: "jump" }>[] = [];
  for (const [index, node] of nodes.entries()) {
    if (index === nodes.length - 1) {
      emit(node, out);
      break;
    }
    const fork: Instruction = { op: "fork", first: out.length + 1, second: 0 };
    const end: Instruction = { op: "jump", to: 0 };
    out.push(fork);
    emit(node, out);
    out.push(end);
    ends.push(end);
    fork.second = out.length;
  }
  for (const end of ends) end.to = out.length;
}

function emitRepeat(node: Repeat, out: Output): void {
  for (let round = 0; round < node.min; round++) emitRound(node, out);
  const mark = canBeEmpty(node.node) ? out.slots++ : undefined;
  if (node.max === Number.POSITIVE_INFINITY) {
    const start = out.length;
    emitOptional(node, out, mark, start);
    return;
  }
  const leaves: ((to: number) => void)[] = [];
  for (let round = node.min; round < node.max; round++) leaves.push(emitOptional(node, out, mark));
  for (const leave of leaves) leave(out.length);
}

/** One round that may be left out; with `back`, over and over. Returns how to say where to go on without it. */
function emitOptional(
  node: Repeat,
  out: Output,
  mark: number | undefined,
  back?: number,
): (to: number) => void {
  const fork: Extract<Instruction, { op: "fork" }> = { op: "fork", first: 0, second: 0 };
  out.push(fork);
  const inside = out.length;
  if (mark !== undefined) out.push({ op: "save", slot: mark });
  emitRound(node, out);
  if (mark !== undefined) out.push({ op: "progress", slot: mark });
  if (back !== undefined) out.push({ op: "jump", to: back });
  const leave = (to: number) => {
    fork.first = node.lazy ? to : inside;
    fork.second = node.lazy ? inside : to;
  };
  leave(out.length);
  return leave;
}

function canBeEmpty(node: PatternNode): boolean {
  switch (node.is) {
    case "char":
      return false;
    case "assert":
      return true;
    case "group":
      return canBeEmpty(node.node);
    case "sequence":
      return node.nodes.every(canBeEmpty);
    case "choice":
      return node.nodes.some(canBeEmpty);
    case "repeat":
      return node.min === 0 || canBeEmpty(node.node);
  }
}

function emitRound(node: Repeat, out: Output): void {
  const { from, to } = node.groups;
  if (from <= to) out.push({ op: "forget", from: from * 2, to: to * 2 + 1 });
  emit(node.node, out);
}

/** Tests by flags and source, shared by all programs: `a{100}` holds one. Emptied when full. */
const tests = new Map<string, (char: string) => boolean>();
const TESTS_MAX = 2000;

function charTest(source: string, flags: string): (char: string) => boolean {
  const key = `${flags} ${source}`;
  const known = tests.get(key);
  if (known) return known;
  if (tests.size >= TESTS_MAX) tests.clear();
  const test = newCharTest(source, flags);
  tests.set(key, test);
  return test;
}

/** Answers for ASCII are remembered: 0 unknown, 1 no, 2 yes. */
function newCharTest(source: string, flags: string): (char: string) => boolean {
  const one = new RegExp(`^(?:${source})$`, flags);
  const ascii = new Uint8Array(128);
  return (char) => {
    const code = char.charCodeAt(0);
    if (code >= 128) return one.test(char);
    if (ascii[code] === 0) ascii[code] = one.test(char) ? 2 : 1;
    return ascii[code] === 2;
  };
}
