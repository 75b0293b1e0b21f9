/**
 * What an operator does to a subscription of one shard: pause and resume it, decide over a blocked partition, end
 * it; and what the projection of dead letters reports back.
 */
import { openDraft, putDelivery, writesOf } from "./draft.ts";
import { die } from "./outcomes.ts";
import {
  ownGroup,
  partitionGroup,
  type ShardSubscription,
  type ShardView,
  type Step,
  type Write,
} from "./rows.ts";

/** Leases already given run on; nothing new is handed out while paused. Reply: whether it is known here. */
export function setPaused(view: ShardView, id: string, paused: boolean): Step<boolean> {
  const row = view.subscription(id);
  const writes: readonly Write[] =
    row && row.paused !== paused ? [{ put: "subscription", row: { ...row, paused } }] : [];
  return { writes, reply: row !== undefined };
}

/** Takes a newer configuration. Reply: whether it is known here; an unknown one comes with its first event. */
export function configure(view: ShardView, config: ShardSubscription): Step<boolean> {
  const row = view.subscription(config.id);
  const newer = row !== undefined && row.config.version < config.version;
  const writes: readonly Write[] = newer ? [{ put: "subscription", row: { ...row, config } }] : [];
  return { writes, reply: row !== undefined };
}

export interface UnblockRequest {
  readonly subscription: string;
  readonly group: string;
  readonly seq: number;
  /** Try it again from its first attempt, or give it up and let the others go on. */
  readonly decision: "retry" | "dead_letter";
  readonly nowMs: number;
}

/** Reply: false where nothing is blocked there (any more). */
export function unblock(
  view: ShardView,
  request: UnblockRequest,
  random: () => number,
): Step<boolean> {
  const row = view.delivery(request.subscription, request.group, request.seq);
  if (row?.place !== "blocked") return { writes: [], reply: false };
  const draft = openDraft(view, request.nowMs, random);
  if (request.decision === "dead_letter")
    die(draft, row, "rejected", row.notes.at(-1)?.reason ?? "blocked");
  else {
    const again = { ...row, place: "ready", attempts: 0, dueMs: request.nowMs } as const;
    putDelivery(draft, again, row);
  }
  return { writes: writesOf(draft), reply: true };
}

export interface HastenRequest {
  readonly subscription: string;
  readonly seq: number;
  /** Partition key of the event, where it has one. */
  readonly partition?: string;
  readonly nowMs: number;
}

/** `due`: its next attempt is made now. `pending`: it was due already or is behind others of its partition. */
export type Hastened = "due" | "pending" | "absent";

/** Makes the next attempt of a delivery at once, instead of at its time. Reply: `absent` where it has ended. */
export function hasten(
  view: ShardView,
  request: HastenRequest,
  random: () => number,
): Step<Hastened> {
  const { subscription, seq, partition, nowMs } = request;
  const groups = [ownGroup(seq), ...(partition === undefined ? [] : [partitionGroup(partition)])];
  const row = groups
    .map((group) => view.delivery(subscription, group, seq))
    .find((one) => one !== undefined);
  if (!row) return { writes: [], reply: "absent" };
  if (row.place === "ready" || row.place === "waiting") return { writes: [], reply: "pending" };
  const draft = openDraft(view, nowMs, random);
  const attempts = row.place === "blocked" ? 0 : row.attempts;
  putDelivery(draft, { ...row, place: "ready", attempts, dueMs: nowMs }, row);
  return { writes: writesOf(draft), reply: "due" };
}

/** Ends a subscription here, with everything it still has. */
export function removeSubscription(view: ShardView, id: string): Step<boolean> {
  const known = view.subscription(id) !== undefined;
  return { writes: known ? [{ drop: "subscription", id }] : [], reply: known };
}

/** These dead letters are stored elsewhere now. */
export function forgetDeads(ids: readonly string[]): Step<void> {
  return { writes: ids.map((id) => ({ drop: "dead", id })), reply: undefined };
}
