/**
 * Runs a pattern's program over a text: one pass, all threads side by side in order of preference. Each
 * instruction is entered at most once per character, which is what bounds the time.
 */
import type { Budget, Program } from "./pattern-program.ts";

/** The whole match, then the groups. */
export type Captures = readonly (string | undefined)[];

type Slots = readonly number[];

interface Thread {
  readonly pc: number;
  readonly slots: Slots;
}

interface Step {
  readonly program: Program;
  readonly chars: readonly string[];
  readonly at: number;
  readonly seen: Set<number>;
  readonly threads: Thread[];
  readonly budget: Budget;
}

/** The leftmost match, or undefined; also where the budget ran out. */
export function run(
  program: Program,
  chars: readonly string[],
  budget: Budget,
): Captures | undefined {
  const blank: Slots = new Array(program.slots).fill(-1);
  let found: Slots | undefined;
  let current: Thread[] = [];
  for (let at = 0; at <= chars.length; at++) {
    const step: Step = { program, chars, at, seen: new Set(), threads: [], budget };
    for (const thread of current) enter(step, thread.pc, thread.slots);
    if (!found) enter(step, 0, withSlot(blank, 0, at));
    if (budget.steps <= 0) return undefined;
    const { next, matched } = advance(step);
    found = matched ?? found;
    if (next.length === 0 && found) break;
    current = next;
  }
  return found && capturesOf(found, program.groups, chars);
}

/** Threads that read this character; a match cuts off everything less preferred. */
function advance(step: Step): { readonly next: Thread[]; readonly matched?: Slots } {
  const next: Thread[] = [];
  const char = step.chars[step.at];
  for (const { pc, slots } of step.threads) {
    const instruction = step.program.instructions[pc];
    if (instruction?.op === "match") return { next, matched: withSlot(slots, 1, step.at) };
    if (instruction?.op === "char" && char !== undefined && instruction.fits(char)) {
      next.push({ pc: pc + 1, slots });
    }
  }
  return { next };
}

/** Follows everything that reads no character, most preferred first. */
function enter(step: Step, pc: number, slots: Slots): void {
  const open: Thread[] = [{ pc, slots }];
  for (let thread = open.pop(); thread; thread = open.pop()) {
    if (step.seen.has(thread.pc) || isStuck(step, thread)) continue;
    step.seen.add(thread.pc);
    step.budget.steps -= 1;
    if (step.budget.steps <= 0) return;
    follow(step, thread, open);
  }
}

/** At the end of an optional round that has read nothing. */
function isStuck(step: Step, { pc, slots }: Thread): boolean {
  const instruction = step.program.instructions[pc];
  return instruction?.op === "progress" && slots[instruction.slot] === step.at;
}

function follow(step: Step, { pc, slots }: Thread, open: Thread[]): void {
  const instruction = step.program.instructions[pc];
  switch (instruction?.op) {
    case "jump":
      open.push({ pc: instruction.to, slots });
      return;
    case "fork":
      open.push({ pc: instruction.second, slots }, { pc: instruction.first, slots });
      return;
    case "save":
      open.push({ pc: pc + 1, slots: withSlot(slots, instruction.slot, step.at) });
      return;
    case "forget":
      open.push({ pc: pc + 1, slots: withoutSlots(slots, instruction.from, instruction.to) });
      return;
    case "assert":
      if (holds(instruction.what, step)) open.push({ pc: pc + 1, slots });
      return;
    case "progress":
      open.push({ pc: pc + 1, slots });
      return;
    case "char":
    case "match":
      step.threads.push({ pc, slots });
      return;
    case undefined:
      return;
  }
}

function holds(what: "start" | "end" | "word" | "not_word", { chars, at }: Step): boolean {
  switch (what) {
    case "start":
      return at === 0;
    case "end":
      return at === chars.length;
    case "word":
      return isWord(chars[at - 1]) !== isWord(chars[at]);
    case "not_word":
      return isWord(chars[at - 1]) === isWord(chars[at]);
  }
}

function isWord(char: string | undefined): boolean {
  return char !== undefined && /^\w$/iu.test(char);
}

function withSlot(slots: Slots, slot: number, value: number): Slots {
  return slots.with(slot, value);
}

function withoutSlots(slots: Slots, from: number, to: number): Slots {
  return slots.map((value, slot) => (slot >= from && slot <= to ? -1 : value));
}

function capturesOf(slots: Slots, groups: number, chars: readonly string[]): Captures {
  return Array.from({ length: groups + 1 }, (_, group) => {
    const from = slots[group * 2] ?? -1;
    const to = slots[group * 2 + 1] ?? -1;
    return from < 0 || to < 0 ? undefined : chars.slice(from, to).join("");
  });
}
