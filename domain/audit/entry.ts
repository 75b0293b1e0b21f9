/**
 * An entry of the audit trail: who did what to which things, when, and how it ended. Ids and codes only: whatever
 * could be text, a name, a number or a secret does not come in. Its canonical form is what is hashed, stored,
 * exported and, with `jq -cjS`, made again anywhere.
 */
import { isSafeText, REDACTED } from "../observability/safe-value.ts";

/** The hub's own trail, beside one per tenant. No tenant's id begins so. */
export const HUB_TRAIL = "$hub";

/** Members of `target` of one entry; more are left out. */
export const AUDIT_TARGETS_MAX = 12;

/** `key`: an API key. `system`: the hub by itself, as its jobs do. */
export type AuditActorKind = "operator" | "key" | "channel" | "system" | "workflow";

/** `refused`: 4xx or the hub's own no. `failed`: 5xx, no answer, or an answer that was none. */
export type AuditOutcome = "ok" | "refused" | "failed";

/** What is to be noted. Every text is judged when it becomes an entry. */
export interface AuditDraft {
  /** Unique; the same one again is the same entry. */
  readonly id: string;
  /** When it ended, ms. */
  readonly atMs: number;
  readonly actor: { readonly kind: AuditActorKind; readonly id?: string };
  /** The operation's id, or `<noun>.<verb>` of a call. */
  readonly action: string;
  /** Ids by what they name. */
  readonly target: Readonly<Record<string, string>>;
  readonly outcome: AuditOutcome;
  readonly code?: string;
  /** HTTP status. */
  readonly status?: number;
  readonly trace?: string;
  readonly durationMs?: number;
  /** How many, where one entry stands for several. */
  readonly count?: number;
}

/** A draft at its place in the trail. */
export interface AuditEntry extends Omit<AuditDraft, "atMs"> {
  readonly v: 1;
  /** From 1, without a gap. */
  readonly seq: number;
  /** RFC 3339, UTC. */
  readonly at: string;
}

/** The entry a draft becomes at its place. What is no id or code becomes "[redacted]"; names of targets are the hub's own. */
export function auditEntry(draft: AuditDraft, seq: number): AuditEntry {
  const { actor, code, status, trace, durationMs, count } = draft;
  return {
    v: 1,
    seq,
    id: judged(draft.id),
    at: new Date(draft.atMs).toISOString(),
    actor: { kind: actor.kind, ...(actor.id === undefined ? {} : { id: judged(actor.id) }) },
    action: judged(draft.action),
    target: targetOf(draft.target),
    outcome: draft.outcome,
    ...(code === undefined ? {} : { code: judged(code) }),
    ...(status === undefined ? {} : { status: whole(status) }),
    ...(trace === undefined ? {} : { trace: judged(trace) }),
    ...(durationMs === undefined ? {} : { durationMs: whole(durationMs) }),
    ...(count === undefined ? {} : { count: whole(count) }),
  };
}

function targetOf(given: AuditDraft["target"]): AuditEntry["target"] {
  const kept = Object.entries(given).slice(0, AUDIT_TARGETS_MAX);
  return Object.fromEntries(kept.map(([name, id]) => [judged(name), judged(id)]));
}

function judged(text: string): string {
  return isSafeText(text) ? text : REDACTED;
}

function whole(number: number): number {
  return Number.isFinite(number) ? Math.max(0, Math.round(number)) : 0;
}

/** JSON with sorted members and no space between, as `jq -cjS` writes it. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, member]) => `${JSON.stringify(name)}:${canonicalJson(member)}`);
  return `{${members.join(",")}}`;
}
