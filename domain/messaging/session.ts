/** Sessions: one per conversation, a new one after a silence longer than the idle timeout. */

export interface Session {
  /** `ses_` + the conversation's id without its prefix + the session's start in base 36. */
  readonly id: string;
  readonly startedAtMs: number;
  readonly lastAtMs: number;
}

/**
 * The session a message at `nowMs` belongs to: the running one, moved on, or a new one. The same inputs give
 * the same id, so a repeated message cannot start a second session. Time that steps back ends nothing.
 */
export function sessionAt(
  current: Session | undefined,
  conversation: string,
  nowMs: number,
  idleMs: number,
): Session {
  if (current && nowMs - current.lastAtMs <= idleMs) {
    return { ...current, lastAtMs: Math.max(current.lastAtMs, nowMs) };
  }
  return { id: sessionId(conversation, nowMs), startedAtMs: nowMs, lastAtMs: nowMs };
}

function sessionId(conversation: string, startedAtMs: number): string {
  return `ses_${conversation.replace(/^cnv_/, "")}_${startedAtMs.toString(36)}`;
}
