/**
 * Turns the runs of one paragraph into lines of atoms in a dialect: drops marks a platform would not
 * draw, escapes literal text, writes links and code, and cuts text into words.
 */

import { isWord, pointAt, pointBefore } from "./characters.ts";
import { besideAddress, type DialectRules } from "./dialects.ts";
import type { Atom, Mark, Run } from "./document.ts";
import { guardLiterals } from "./escape.ts";

/** One list of atoms per line; `indented`: something already stands before the first. */
export function atomLines(
  runs: readonly Run[],
  rules: DialectRules,
  indented: boolean,
): (readonly Atom[])[] {
  const lines: Run[][] = [[]];
  for (const run of runs) {
    if (run.kind === "break") lines.push([]);
    else lines.at(-1)?.push(run);
  }
  return lines.map((line, at) => atomsOf(line, rules, indented && at === 0));
}

/** Words of a text without markup, for code and tables. Leading white space stays with the first. */
export function plainAtoms(text: string, escaped: (text: string) => string): Atom[] {
  const indent = text.length - text.trimStart().length;
  const [first, ...rest] = wordAtoms(text.slice(indent), [], escaped).list;
  return first ? [{ ...first, text: text.slice(0, indent) + first.text }, ...rest] : [];
}

function atomsOf(line: readonly Run[], rules: DialectRules, indented: boolean): Atom[] {
  const shown = line.map((run) => asText(run, rules));
  const bound = rules.wordBound ? dropUnbound(shown) : shown;
  const runs = rules.guarded ? guardLiterals(bound) : bound;
  const atoms: Atom[] = [];
  let before: RunAtoms = { list: [], trailing: "", marks: [] };
  for (const run of runs) {
    const found = atomsOfRun(run, rules, atoms.length === 0 && !indented);
    const [first, ...rest] = found.list;
    if (first) atoms.push(spaced(first, before), ...rest);
    before = first ? found : joined(before, found);
  }
  return trimStart(atoms);
}

/** A word within a line. The white space before it belongs to the same marks. */
export function wordAtom(text: string, space: string, marks: readonly Mark[]): Atom {
  return { text, space, spaceMarks: marks, marks };
}

/** The first atom of a run behind the white space that the run before left. */
function spaced(atom: Atom, before: RunAtoms): Atom {
  if (before.trailing === "") return atom;
  return { ...atom, space: before.trailing + atom.space, spaceMarks: before.marks };
}

function joined(before: RunAtoms, found: RunAtoms): RunAtoms {
  const marks = before.trailing === "" ? found.marks : before.marks;
  return { list: [], trailing: before.trailing + found.trailing, marks };
}

/** Code that the dialect can't mark is text. */
function asText(run: Run, rules: DialectRules): Run {
  return run.kind === "code" && !rules.codeSigns(run.text) ? { ...run, kind: "text" } : run;
}

function trimStart(atoms: Atom[]): Atom[] {
  const [first, ...rest] = atoms;
  return first ? [{ ...first, space: "" }, ...rest] : [];
}

interface RunAtoms {
  readonly list: readonly Atom[];
  /** White space behind the last word. */
  readonly trailing: string;
  readonly marks: readonly Mark[];
}

function atomsOfRun(run: Run, rules: DialectRules, lineStart: boolean): RunAtoms {
  const { marks } = run;
  if (run.kind === "code") return { list: [codeAtom(run, rules)], trailing: "", marks };
  if (run.kind === "text") {
    return wordAtoms(run.text, marks, (text) => rules.escape(text, lineStart));
  }
  const label = run.text.replaceAll("\n", " ");
  const text = rules.link(label, run.href);
  const spelled = rules.escape(besideAddress(label, run.href), false);
  const whenTooLong = { text: spelled, open: "", close: "" };
  return { list: [{ ...wordAtom(text, "", marks), whenTooLong }], trailing: "", marks };
}

function codeAtom(run: Run, rules: DialectRules): Atom {
  const [open, close] = rules.codeSigns(run.text) ?? ["", ""];
  const text = rules.escapeCode(run.text);
  const whole = `${open}${text}${close}`;
  return { ...wordAtom(whole, "", run.marks), whenTooLong: { text, open, close } };
}

/** Words between spaces; also after the full stops of scripts that write no spaces. */
function wordAtoms(
  text: string,
  marks: readonly Mark[],
  escaped: (text: string) => string,
): RunAtoms {
  const list: Atom[] = [];
  let space = "";
  for (const part of escaped(text).split(/([ \t]+)/)) {
    if (part === "") continue;
    if (part.startsWith(" ") || part.startsWith("\t")) {
      space = part;
      continue;
    }
    for (const word of part.split(/(?<=[。！？])/)) {
      list.push(wordAtom(word, space, marks));
      space = "";
    }
  }
  return { list, trailing: space, marks };
}

/** Removes each mark that a word touches from outside: there the platform would show the sign. */
function dropUnbound(line: readonly Run[]): Run[] {
  const runs = [...line];
  for (const mark of ["bold", "italic", "strike"] as const) {
    for (let start = 0; start < runs.length; start++) {
      if (!runs[start]?.marks.includes(mark)) continue;
      let end = start;
      while (runs[end]?.marks.includes(mark)) end += 1;
      if (isTouched(runs, start, end)) unmark(runs, start, end, mark);
      start = end;
    }
  }
  return runs;
}

function isTouched(runs: readonly Run[], start: number, end: number): boolean {
  const before = spelledOf(runs[start - 1]);
  const after = spelledOf(runs[end]);
  return isWord(pointBefore(before, before.length)) || isWord(pointAt(after, 0));
}

function spelledOf(run: Run | undefined): string {
  return run?.kind === "text" ? run.text : "";
}

function unmark(runs: Run[], start: number, end: number, mark: Mark): void {
  for (let at = start; at < end; at++) {
    const run = runs[at];
    if (run) runs[at] = { ...run, marks: run.marks.filter((other) => other !== mark) };
  }
}
