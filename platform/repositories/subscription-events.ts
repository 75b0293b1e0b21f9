/** What is told of subscriptions: statements for the batch that changes one. Names of what changed, no values. */
import { changedMembers } from "../../domain/events/hub-changes.ts";
import type { HubEvent } from "../../domain/events/hub-event.ts";
import { outboxInsert } from "../outbox.ts";
import type { StoredSubscription } from "./subscriptions.ts";

interface Of {
  readonly tenant: string;
  readonly id: string;
}

/** Right behind the insert. */
export function tellSubscribed(db: D1Database, stored: StoredSubscription): D1PreparedStatement {
  return tell(
    db,
    nameOf(stored),
    "subscription.created",
    { state: stored.state },
    stored.createdAtMs,
  );
}

/** Right behind the delete. */
export function tellUnsubscribed(db: D1Database, of: Of, nowMs: number): D1PreparedStatement {
  return tell(db, of, "subscription.deleted", {}, nowMs);
}

/** Right behind the replacement, in this order: each is told if the one before it was. */
export function tellChanged(
  db: D1Database,
  before: StoredSubscription,
  after: StoredSubscription,
): readonly D1PreparedStatement[] {
  const nowMs = after.updatedAtMs;
  const turned = turnOf(before, after);
  const reason = after.stateReason === undefined ? {} : { reason: after.stateReason };
  const changed = changedMembers(membersOf(before, turned), membersOf(after, turned));
  const data = { state: after.state, changed };
  return [
    ...(changed.length > 0 ? [tell(db, nameOf(after), "subscription.updated", data, nowMs)] : []),
    ...(turned ? [tell(db, nameOf(after), `subscription.${turned}`, reason, nowMs)] : []),
  ];
}

type Turn = "paused" | "resumed" | undefined;

function turnOf(before: StoredSubscription, after: StoredSubscription): Turn {
  if (before.state === after.state) return undefined;
  if (after.state === "paused") return "paused";
  return after.state === "active" && before.state !== "unverified" ? "resumed" : undefined;
}

/** A pause and its end have events of their own. Of secrets only that they are others. */
function membersOf(stored: StoredSubscription, turned: Turn): object {
  const { paused: _, ...members } = stored.subscription;
  const secrets = stored.sealedSecrets;
  return turned ? { ...members, secrets } : { ...members, secrets, state: stored.state };
}

function nameOf({ tenant, subscription }: StoredSubscription): Of {
  return { tenant, id: subscription.id };
}

function tell(
  db: D1Database,
  { tenant, id }: Of,
  type: HubEvent["type"],
  data: HubEvent["data"],
  nowMs: number,
): D1PreparedStatement {
  const event = { type, subject: id, data: { subscription: id, ...data } };
  return outboxInsert(db, tenant, event, nowMs, "if_changed");
}
