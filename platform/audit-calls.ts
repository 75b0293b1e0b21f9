/** Notes of calls to other services: one entry per call, with what it was about and how it ended, never what was said. */
import type { AuditOutcome } from "../domain/audit/entry.ts";
import { type AuditNote, noteAudit } from "./audit-buffer.ts";

/** A call that has ended now. */
export interface EndedCall {
  readonly action: `${string}.${string}`;
  readonly actor: AuditNote["actor"];
  readonly target: AuditNote["target"];
  readonly startMs: number;
  /** Why it failed; absent where it did not. A refusal is the hub's or the other side's definite no. */
  readonly failure?: { readonly code: string; readonly refused: boolean } | undefined;
  readonly status?: number | undefined;
  readonly trace?: string | undefined;
}

/** To the tenant's trail, with the isolate's next flush. Never throws. */
export function noteCall(tenant: string, call: EndedCall): void {
  const { action, actor, target, startMs, failure, status, trace } = call;
  const atMs = Date.now();
  noteAudit(tenant, {
    ...{ atMs, actor, action, target, outcome: outcomeOf(failure), durationMs: atMs - startMs },
    ...(failure === undefined ? {} : { code: failure.code }),
    ...(status === undefined ? {} : { status }),
    ...(trace === undefined ? {} : { trace }),
  });
}

function outcomeOf(failure: EndedCall["failure"]): AuditOutcome {
  if (failure === undefined) return "ok";
  return failure.refused ? "refused" : "failed";
}
