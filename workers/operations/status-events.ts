/**
 * The statements that store a webhook's statuses, for tenants whose subscribers hear of statuses with what there is to
 * tell: both in one batch, so that a status is never told without having moved, nor moved without being told.
 */
import { audienceOf } from "../../platform/message-events.ts";
import { tellStatus } from "../../platform/repositories/message-outbox.ts";
import { applyStatuses } from "../../platform/repositories/messages.ts";
import type { ParsedStatus } from "../../schema/parsed.ts";
import { tellingDeps } from "./publish-owed.ts";

export interface StatusWrites {
  readonly statements: readonly D1PreparedStatement[];
  /** Whether they may have left something to tell. */
  readonly telling: boolean;
}

/** Rejects as D1 does. */
export async function statusWrites(
  env: Env,
  db: D1Database,
  of: { readonly tenant: string; readonly connection: string },
  statuses: readonly ParsedStatus[],
  nowMs: number,
): Promise<StatusWrites> {
  const audience = await audienceOf(tellingDeps(env), of.tenant, nowMs);
  const heard = statuses.filter(({ status }) => audience.hears([status]));
  const statements = statuses.flatMap((status) => [
    ...(heard.includes(status) ? tellStatus(db, of.tenant, of.connection, status) : []),
    ...applyStatuses(db, of.tenant, of.connection, [status], nowMs),
  ]);
  return { statements, telling: heard.length > 0 };
}
