/**
 * A trail from outside its object: how it is called, what it answers, and where its sealed heads and archived entries
 * lie in R2.
 */
import type { AuditHead, AuditLink, SealedHead } from "../domain/audit/chain.ts";
import type { AuditDraft, AuditEntry } from "../domain/audit/entry.ts";
import type { AuditFilter } from "../domain/audit/filter.ts";
import type { Broken } from "../domain/audit/verify.ts";

/** Entries of one block: what one call may bring. */
export const AUDIT_BATCH_MAX = 100;

export interface AuditBatch {
  /** A tenant's id, or `HUB_TRAIL`. */
  readonly trail: string;
  readonly drafts: readonly AuditDraft[];
  /** It may have been appended long ago: all that is kept is asked for it. */
  readonly late?: boolean;
}

export interface AuditPage {
  /** Newest first. */
  readonly items: readonly AuditEntry[];
  /** Where to go on; absent at the end. */
  readonly beforeSeq?: number;
}

/** Entries as an export has them, oldest first. `before`: the hash that the first one follows. */
export interface AuditLines {
  readonly before: AuditHead;
  readonly links: readonly AuditLink[];
  readonly more: boolean;
}

export interface AuditPart {
  /** First entry looked at. */
  readonly from: number;
  /** Up to here all is well: where the next part goes on. */
  readonly at: AuditHead;
  readonly more: boolean;
  /** The trail's last entry. */
  readonly head: AuditHead;
  /** Sealed heads that were compared. */
  readonly sealedHeads: number;
  readonly broken?: Broken;
}

/** See `durable-objects/audit.ts`, which implements it. Rejects as an object does; every call may be made again. */
export interface AuditRpc {
  /** Durable when it answers. Entries that are there are not added again. */
  append(batch: AuditBatch, nowMs: number): Promise<{ readonly added: number }>;
  page(
    trail: string,
    filter: AuditFilter,
    limit: number,
    beforeSeq: number | undefined,
  ): Promise<AuditPage>;
  /** The part behind `at`, which is taken for right; absent: from the beginning. */
  verify(trail: string, at?: AuditHead): Promise<AuditPart>;
  /** What an export goes on with behind `afterSeq`: 0, or the last entry of an answer. */
  lines(trail: string, afterSeq: number): Promise<AuditLines>;
  head(trail: string): Promise<AuditHead>;
  destroy(): Promise<void>;
}

/** The one object of a trail. A stub that has failed is not used again: ask for a new one. */
export function auditTrail(env: Pick<Env, "AUDIT">, trail: string): AuditRpc {
  return env.AUDIT.getByName(trail) as unknown as AuditRpc;
}

const SEQ_DIGITS = 12;

/** Everything that a trail has in R2 stands below. */
export function auditPrefix(trail: string): string {
  return `audit/${trail}/`;
}

export function headKey(trail: string, seq: number): string {
  return `${auditPrefix(trail)}heads/${padded(seq)}.json`;
}

export function segmentKey(trail: string, first: number): string {
  return `${auditPrefix(trail)}segments/${padded(first)}.ndjson`;
}

function padded(seq: number): string {
  return String(seq).padStart(SEQ_DIGITS, "0");
}

/** What an object of R2 says of the head it holds. */
export function headOf(metadata: Record<string, string> | undefined): SealedHead {
  const { seq = "", hash = "", mac = "" } = metadata ?? {};
  return { seq: Number(seq), hash, mac };
}

/** A line of an export: `hash` is SHA-256 over `before` and the canonical form of `entry`. */
export function lineOf(before: string, { entry, hash }: AuditLink): string {
  return `${JSON.stringify({ entry, before, hash })}\n`;
}
