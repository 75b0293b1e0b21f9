/** Which entries a question is about. Pure; the trail is read newest first. */
import type { AuditActorKind, AuditEntry, AuditOutcome } from "./entry.ts";

/** Every member given must fit. Times in ms; `sinceMs` is in, `untilMs` is not. */
export interface AuditFilter {
  readonly actor?: string;
  readonly actorKind?: AuditActorKind;
  readonly action?: string;
  /** One of the ids in `target`. */
  readonly target?: string;
  readonly outcome?: AuditOutcome;
  readonly trace?: string;
  readonly sinceMs?: number;
  readonly untilMs?: number;
}

export function matches(entry: AuditEntry, filter: AuditFilter): boolean {
  const { actor, actorKind, action, target, outcome, trace } = filter;
  return (
    fits(actor, entry.actor.id) &&
    fits(actorKind, entry.actor.kind) &&
    fits(action, entry.action) &&
    fits(outcome, entry.outcome) &&
    fits(trace, entry.trace) &&
    (target === undefined || Object.values(entry.target).includes(target)) &&
    isWithin(Date.parse(entry.at), filter)
  );
}

function fits(wanted: string | undefined, value: string | undefined): boolean {
  return wanted === undefined || wanted === value;
}

function isWithin(atMs: number, { sinceMs = -Infinity, untilMs = Infinity }: AuditFilter): boolean {
  return atMs >= sinceMs && atMs < untilMs;
}
