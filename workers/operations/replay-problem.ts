/** Why a dead letter could not be tried again, as the problem a caller gets. */
import { type ErrorCode, HubError } from "../../domain/errors.ts";
import type { ReplayFailure } from "./replay.ts";

/** The HTTP side of each reason. */
const CODES = {
  taken: "conflict",
  connection_gone: "unprocessable",
  conversation_gone: "unprocessable",
  still_unreadable: "unprocessable",
  storage_unavailable: "unavailable",
  subscription_gone: "unprocessable",
  backlog_full: "rate_limited",
} as const satisfies Record<ReplayFailure["reason"], ErrorCode>;

const WORDS: Partial<Record<ReplayFailure["reason"], string>> = {
  taken: "it was replayed or given up already, or somebody has it in hand: its state says which",
  connection_gone: "the connection it came on is gone",
  conversation_gone: "the conversation it was for is gone",
  still_unreadable: "its channel still cannot read it",
  subscription_gone: "the subscription it was for is gone: replay the event to another one",
  backlog_full: "its subscription holds as much as it may",
};

/** `reason` stands in the problem too, for programs. */
export function problemOf(failure: ReplayFailure): HubError {
  const { reason, ...extensions } = failure;
  const words = WORDS[reason];
  const detail = words === undefined ? reason : `${reason}: ${words}`;
  return new HubError(CODES[reason], detail, { extensions: { reason, ...extensions } });
}
