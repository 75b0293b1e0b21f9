/**
 * Compares what senders were told with what arrived at the platforms, after a crash run. Pure: the record
 * of both sides was kept outside the hub, so nothing the hub forgot can hide here.
 */

/** A message a sender offered until it was acknowledged or the run ended. */
export interface SentMessage {
  readonly tenant: string;
  readonly conversation: string;
  /** Rising from 1 within the conversation; the sender waited for one before it sent the next. */
  readonly number: number;
  readonly acked: boolean;
}

/** A call that a platform carried out. */
export interface Effect {
  readonly tenant: string | null;
  readonly text: string;
  /** Calls with the same key are one effect: the platform gives back the first. */
  readonly idempotencyKey?: string;
}

/** Marks of messages which the hub itself lists, by the API. */
export interface Listed {
  readonly uncertain: readonly string[];
  readonly deadLetters: readonly string[];
}

export interface Verdict {
  readonly sent: number;
  readonly acked: number;
  /** Replies the platforms carried out, repeated ones included. */
  readonly effects: number;
  /** Messages with at least one reply. */
  readonly replies: number;
  readonly uncertain: number;
  /** Acknowledged, and neither answered nor listed. */
  readonly lost: number;
  /** Replies beyond the first of a message. */
  readonly duplicated: number;
  /** Replies that came after one to a later message of the same conversation. */
  readonly inversions: number;
  readonly deadLetters: number;
  /** Replies that went out through another tenant's account, or that nobody asked for. */
  readonly foreign: number;
  /** Marks of the lost ones. */
  readonly lostMarks: readonly string[];
  /** The first few things that are wrong, for a look. */
  readonly examples: readonly string[];
}

const EXAMPLES_MAX = 10;
const MARK = /\[\[([\w-]+)\/([\w-]+):(\d+)\]\]/;

/** The text that makes a message findable in whatever comes out: `[[tenant/conversation:number]]`. */
export function markOf(message: Pick<SentMessage, "tenant" | "conversation" | "number">): string {
  return `[[${message.tenant}/${message.conversation}:${message.number}]]`;
}

/** The first mark in a text. */
export function findMark(text: string): string | undefined {
  return MARK.exec(text)?.[0];
}

/** Counts everything that went right and wrong. */
export function judge(
  sent: readonly SentMessage[],
  effects: readonly Effect[],
  listed: Listed,
): Verdict {
  const known = new Map(sent.map((message) => [markOf(message), message]));
  const answered = distinctEffects(effects);
  const counts = countBy(answered.map((effect) => effect.mark));
  const excused = new Set([...listed.uncertain, ...listed.deadLetters]);
  const lost = sent
    .filter((message) => message.acked)
    .map(markOf)
    .filter((mark) => !counts.has(mark) && !excused.has(mark));
  const duplicated = [...counts].filter(([, count]) => count > 1);
  const foreign = answered.filter(({ mark, tenant }) => {
    const owner = known.get(mark)?.tenant;
    return owner === undefined || (tenant !== null && tenant !== owner);
  });
  const inverted = inversions(answered.map((effect) => effect.mark));
  return {
    sent: sent.length,
    acked: sent.filter((message) => message.acked).length,
    effects: answered.length,
    replies: counts.size,
    uncertain: listed.uncertain.length,
    lost: lost.length,
    duplicated: duplicated.reduce((sum, [, count]) => sum + count - 1, 0),
    inversions: inverted.length,
    deadLetters: listed.deadLetters.length,
    foreign: foreign.length,
    lostMarks: lost,
    examples: [
      ...lost.map((mark) => `lost ${mark}`),
      ...duplicated.map(([mark, count]) => `${count} times ${mark}`),
      ...inverted.map((mark) => `late ${mark}`),
      ...foreign.map(({ mark, tenant }) => `foreign ${mark} at ${tenant}`),
    ].slice(0, EXAMPLES_MAX),
  };
}

interface Answer {
  readonly mark: string;
  readonly tenant: string | null;
}

function distinctEffects(effects: readonly Effect[]): Answer[] {
  const seen = new Set<string>();
  return effects.flatMap(({ text, tenant, idempotencyKey }) => {
    const mark = findMark(text) ?? "no mark";
    const key = `${idempotencyKey} ${mark}`;
    if (idempotencyKey !== undefined && seen.has(key)) {
      return [];
    }
    seen.add(key);
    return [{ mark, tenant }];
  });
}

function countBy(marks: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const mark of marks) {
    counts.set(mark, (counts.get(mark) ?? 0) + 1);
  }
  return counts;
}

/** First replies whose number is below one already answered in their conversation. */
function inversions(marks: readonly string[]): string[] {
  const highest = new Map<string, number>();
  return [...new Set(marks)].filter((mark) => {
    const [, tenant, conversation, number] = MARK.exec(mark) ?? [];
    const key = `${tenant}/${conversation}`;
    const before = highest.get(key) ?? 0;
    highest.set(key, Math.max(before, Number(number ?? 0)));
    return Number(number ?? 0) < before;
  });
}
