/**
 * What the events of a run come to. Names are compared without the prefixes that teams and workflows add and without
 * the differences between versions; the completed text goes before the pieces it was streamed in. In a
 * team's stream the members' own runs do not speak for the team.
 */
import { fail, ok, type Result } from "../domain/result.ts";
import type { HiveEvent } from "./hive-stream.ts";
import type { TurnFailure } from "./route-call.ts";

/** Longest text taken from a run, in characters (`OutboundContent`). */
const TEXT_CHARS_MAX = 100_000;

type Outcome =
  | { readonly is: "completed"; readonly text: string }
  | { readonly is: "failed"; readonly failure: TurnFailure };

/** One speaker's part of the stream: the team's, or everybody else's. */
interface Voice {
  /** The pieces streamed so far, joined; undefined before the first. */
  readonly text?: string;
  readonly outcome?: Outcome;
}

export interface Run {
  readonly team: Voice | undefined;
  readonly plain: Voice;
}

const SILENT: Voice = {};
export const NO_RUN: Run = { team: undefined, plain: SILENT };

/** The run after one more event. */
export function readEvent(run: Run, event: HiveEvent): Run {
  const isTeam = /^(?:team|workflow)/i.test(event.name);
  const voice = hear(isTeam ? (run.team ?? SILENT) : run.plain, event);
  return isTeam ? { ...run, team: voice } : { ...run, plain: voice };
}

/** Whether nothing more has to be read: the one who speaks for the run has ended. */
export function isOver(run: Run, team: boolean): boolean {
  if (run.team) return run.team.outcome !== undefined;
  return !team && run.plain.outcome !== undefined;
}

/** Whether anybody said how the run ended. */
export function hasOutcome(run: Run): boolean {
  return (run.team ?? run.plain).outcome !== undefined;
}

/** The text of a run, empty where it said nothing. A stream without any run in it is a bad answer. */
export function conclude(run: Run): Result<string, TurnFailure> {
  const voice = run.team ?? run.plain;
  const { outcome } = voice;
  if (outcome?.is === "failed") return fail(outcome.failure);
  if (outcome) return ok(outcome.text);
  if (voice.text !== undefined) return ok(voice.text);
  return fail({ reason: "bad_answer", retryable: true, breaker: false, detail: "no run in it" });
}

function hear(voice: Voice, { name, data }: HiveEvent): Voice {
  const kind = kindOf(name, data);
  if (kind === "piece") return withPiece(voice, textOf(data.content));
  const outcome = kind && outcomeOf(kind, data);
  return outcome ? { ...voice, outcome } : voice;
}

type Kind = "piece" | "completed" | "error" | "paused" | "cancelled" | "pending";

const KINDS: ReadonlyMap<string, Kind> = new Map([
  ["runcontent", "piece"],
  ["runresponsecontent", "piece"],
  ["runresponse", "piece"],
  ["runcompleted", "completed"],
  ["completed", "completed"],
  ["runerror", "error"],
  ["error", "error"],
  ["runpaused", "paused"],
  ["paused", "paused"],
  ["runcancelled", "cancelled"],
  ["cancelled", "cancelled"],
]);

const STATUSES: ReadonlyMap<string, Kind> = new Map([
  ["completed", "completed"],
  ["error", "error"],
  ["paused", "paused"],
  ["cancelled", "cancelled"],
  ["pending", "pending"],
  ["running", "pending"],
]);

/** By name; an object without one is a whole result, judged by its status. */
function kindOf(name: string, data: HiveEvent["data"]): Kind | undefined {
  const bare = name.toLowerCase().replace(/^(?:team|workflow|agent)/, "");
  if (bare !== "" && bare !== "message") return KINDS.get(bare);
  const status = data.status;
  if (typeof status === "string") return STATUSES.get(status.toLowerCase());
  return "content" in data ? "completed" : undefined;
}

function outcomeOf(kind: Exclude<Kind, "piece">, data: HiveEvent["data"]): Outcome {
  switch (kind) {
    case "completed":
      return { is: "completed", text: textOf(data.content).slice(0, TEXT_CHARS_MAX) };
    case "error":
      return failed("run_error", true);
    case "paused":
      return failed("run_paused", false);
    case "cancelled":
      return failed("run_cancelled", false);
    case "pending":
      return failed("run_pending", true);
  }
}

/** What the run itself says of its failure may hold anything, so it is not passed on. */
function failed(reason: TurnFailure["reason"], retryable: boolean): Outcome {
  return { is: "failed", failure: { reason, retryable, breaker: false } };
}

function withPiece(voice: Voice, piece: string): Voice {
  const text = voice.text ?? "";
  return { ...voice, text: text + piece.slice(0, TEXT_CHARS_MAX - text.length) };
}

/** Content of any type as text: structured output as JSON. */
function textOf(content: unknown): string {
  if (typeof content === "string") return content;
  return content === undefined || content === null ? "" : JSON.stringify(content);
}
