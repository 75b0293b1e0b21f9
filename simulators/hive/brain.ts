/** The canned brain of the simulated Hive: what it answers, how long it takes, how it fails. */
import { asRecord, asText } from "../http.ts";

/**
 * - `echo`: `hive: <text>`; `silent`: an empty answer; `slow`: echo after `delayMs` (default 5 s);
 * - `error`: the run fails (in a stream: RunError after the 200); `paused`: waits for a confirmation;
 * - `hang`: keepalives for ever; `cut`: the stream breaks in the middle; `unframed`: JSON without SSE frames.
 */
export const BRAIN_MODES = [
  "echo",
  "silent",
  "slow",
  "error",
  "paused",
  "hang",
  "cut",
  "unframed",
] as const;
export type BrainMode = (typeof BRAIN_MODES)[number];

const SLOW_MS = 5_000;

export interface Brain {
  readonly mode: BrainMode;
  /** Before the answer, in ms. */
  readonly delayMs: number;
  /** Instead of `hive: <text>`; `{{text}}` is what was said. */
  readonly reply?: string;
}

/** Reads `POST /_sim/brain`; a string says what is wrong. */
export function parseBrain(value: unknown): Brain | string {
  const body = asRecord(value);
  const mode = BRAIN_MODES.find((known) => known === (body.mode ?? "echo"));
  if (mode === undefined) return `mode: expected one of ${BRAIN_MODES.join(", ")}`;
  const given = typeof body.delayMs === "number" && body.delayMs >= 0 ? body.delayMs : undefined;
  const reply = asText(body.reply);
  return {
    mode,
    delayMs: given ?? (mode === "slow" ? SLOW_MS : 0),
    ...(reply !== undefined && { reply }),
  };
}

/** What the brain says to a text. */
export function answerTo(brain: Brain, text: string): string {
  if (brain.mode === "silent") return "";
  return (brain.reply ?? "hive: {{text}}").replaceAll("{{text}}", () => text);
}
