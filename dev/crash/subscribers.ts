/**
 * Customers' webhooks beside a crash run: each tenant subscribes to the messages that come in, at a receiver that
 * fails now and then. What the receiver took is held against what the senders were told.
 */
import { startReceiver, type WebhookReceiver } from "../../simulators/receiver.ts";
import type { ApiAccess } from "../api.ts";
import { findMark, markOf, type SentMessage } from "./judge.ts";
import type { Random } from "./random.ts";

const SUBSCRIPTION = "crash-inbox";
/** What a message of a customer may be told as. */
const INCOMING = ["message.received", "message.command", "message.interaction"];
/** A delivery is tried again quickly, and often enough for a runtime that is killed all the time. */
const RETRY = { kind: "listed", waits_s: Array.from({ length: 19 }, () => 0.5) } as const;

export interface EventVerdict {
  /** Acknowledged messages, each owed one event. */
  readonly owed: number;
  readonly received: number;
  /** Owed and never received. */
  readonly missing: number;
  /** Messages that came as more than one event: a repeated delivery of one event is none. */
  readonly doubled: number;
  /** Events that first came after one of a later message of their conversation. */
  readonly inversions: number;
  /** Events at another tenant's address, or of a message nobody sent. */
  readonly foreign: number;
}

export interface Subscribers {
  readonly receiver: WebhookReceiver;
  /** The next deliveries fail, some of them. */
  fail(random: Random): void;
  verdict(sent: readonly SentMessage[]): EventVerdict;
}

/** Starts the receiver and subscribes each tenant. Throws where the hub refuses. */
export async function startSubscribers(
  hub: ApiAccess,
  tenants: readonly string[],
): Promise<Subscribers> {
  const receiver = await startReceiver();
  for (const tenant of tenants) await subscribe(hub, tenant, `${receiver.url}/${tenant}`);
  return {
    receiver,
    fail: (random) =>
      receiver.script([{ status: random.pick([500, 503, 429, 404] as const) }, { delayMs: 50 }]),
    verdict: (sent) => judgeEvents(sent, takenBy(receiver)),
  };
}

async function subscribe(hub: ApiAccess, tenant: string, url: string): Promise<void> {
  const response = await fetch(`${hub.url}/subscriptions?tenant=${tenant}`, {
    method: "POST",
    headers: { authorization: `Bearer ${hub.adminKey}`, "content-type": "application/json" },
    body: JSON.stringify({
      id: SUBSCRIPTION,
      name: SUBSCRIPTION,
      bindings: INCOMING.map((key) => ({ kind: "direct", key })),
      target: { kind: "webhook", url },
      retry: RETRY,
    }),
  });
  if (response.status !== 201) throw new Error(`subscribe ${tenant}: ${await response.text()}`);
}

/** A delivery that was taken: the tenant its address belongs to, its event, and the message it is about. */
export interface TakenEvent {
  readonly tenant: string;
  readonly event: string;
  readonly mark: string;
}

function takenBy(receiver: WebhookReceiver): readonly TakenEvent[] {
  return receiver.received().flatMap(({ answered, path, id, raw }) => {
    const mark = findMark(raw);
    if (answered >= 300 || mark === undefined) return [];
    return [{ tenant: path.split("/")[1] ?? "", event: id ?? "", mark }];
  });
}

/** Counts everything that went right and wrong. Pure. */
export function judgeEvents(
  sent: readonly SentMessage[],
  taken: readonly TakenEvent[],
): EventVerdict {
  const known = new Map(sent.map((message) => [markOf(message), message]));
  const events = new Map<string, Set<string>>();
  const highest = new Map<string, number>();
  let inversions = 0;
  for (const { mark, event } of taken) {
    const message = known.get(mark);
    const before = events.get(mark);
    events.set(mark, (before ?? new Set()).add(event));
    if (before || !message) continue;
    const conversation = `${message.tenant}/${message.conversation}`;
    const last = highest.get(conversation) ?? 0;
    if (message.number < last) inversions += 1;
    highest.set(conversation, Math.max(last, message.number));
  }
  const owed = sent.filter(({ acked }) => acked).map(markOf);
  return {
    owed: owed.length,
    received: owed.filter((mark) => events.has(mark)).length,
    missing: owed.filter((mark) => !events.has(mark)).length,
    doubled: [...events.values()].filter((ids) => ids.size > 1).length,
    inversions,
    foreign: taken.filter(({ mark, tenant }) => known.get(mark)?.tenant !== tenant).length,
  };
}
