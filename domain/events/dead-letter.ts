/**
 * The deaths of a message, as RabbitMQ records them (`x-death`): newest first, one entry per queue and reason
 * with a count, the first and the last death beside it; and the rule that stops messages from going round.
 */

/** Why a message left a queue without being handled. */
export type DeathReason = "rejected" | "expired" | "maxlen" | "delivery_limit";

/** One entry of the record; `atMs` is when this kind of death was first seen. */
export interface Death {
  readonly queue: string;
  readonly reason: DeathReason;
  readonly count: number;
  readonly atMs: number;
  readonly exchange: string;
  readonly routingKeys: readonly string[];
  /** The time to live the message had, in ms as text: it is taken away so that it cannot expire again. */
  readonly originalExpiration?: string;
}

/** Where and why, in short. */
export interface DeathNote {
  readonly queue: string;
  readonly reason: DeathReason;
  readonly exchange: string;
}

export interface DeathRecord {
  /** Newest first. */
  readonly deaths: readonly Death[];
  readonly first: DeathNote;
  readonly last: DeathNote;
}

/** What just happened to a message. */
export interface DeathFacts extends DeathNote {
  readonly routingKeys: readonly string[];
  /** The message's own time to live at this moment, in ms as text. */
  readonly expiration?: string;
  /** The queue the message would enter next. */
  readonly target?: string;
  readonly nowMs: number;
}

/** `dropped`: it would go round for ever. The message goes on without a time to live of its own. */
export interface DeathStep {
  readonly record: DeathRecord;
  readonly dropped: boolean;
}

/** Adds one death to a message's record. */
export function recordDeath(before: DeathRecord | undefined, facts: DeathFacts): DeathStep {
  const earlier = before?.deaths ?? [];
  const same = (death: Death) => death.queue === facts.queue && death.reason === facts.reason;
  const known = earlier.find(same);
  const newest: Death = known ? { ...known, count: known.count + 1 } : firstDeath(facts);
  const note = { queue: facts.queue, reason: facts.reason, exchange: facts.exchange };
  const record: DeathRecord = {
    deaths: [newest, ...earlier.filter((death) => !same(death))],
    first: before?.first ?? note,
    last: note,
  };
  return { record, dropped: facts.reason !== "rejected" && isCycle(record, facts.target) };
}

function firstDeath(facts: DeathFacts): Death {
  return {
    queue: facts.queue,
    reason: facts.reason,
    count: 1,
    atMs: facts.nowMs,
    exchange: facts.exchange,
    routingKeys: facts.routingKeys,
    ...(facts.expiration === undefined ? {} : { originalExpiration: facts.expiration }),
  };
}

/** It has been in the target before, and nobody has rejected it since: only clocks and limits move it. */
function isCycle({ deaths }: DeathRecord, target: string | undefined): boolean {
  const visit = deaths.findIndex((death) => death.queue === target);
  return visit >= 0 && deaths.slice(0, visit + 1).every((death) => death.reason !== "rejected");
}
