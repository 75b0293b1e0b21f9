/**
 * Defects planted on purpose, one per guarantee, so that the crash test can show that it would find them.
 * They sit between a worker and its conversations and change what is said there. Never in production.
 */
import type {
  AcceptReply,
  AcceptRequest,
  CommitRequest,
  OutboxItem,
  ReplyDraft,
  TurnResult,
} from "../../schema/conversation.ts";
import { mintId } from "../messaging/message-id.ts";
import { ok } from "../result.ts";

/** Which guarantee is broken. */
export const DEFECTS = ["dedup", "order", "durability", "isolation"] as const;
export type Defect = (typeof DEFECTS)[number];

/** Accepts that are answered and never made. */
const FORGOTTEN_SHARE = 0.05;
/** Turns whose replies are kept back until the next turn's have been stored. */
const HELD_SHARE = 0.2;

/** Calls of one method of one conversation's object, `name` being the object's. */
export type Call = (...args: readonly unknown[]) => Promise<unknown>;

/** Wraps calls in a defect. One per isolate: it remembers what it kept back. */
export type Planted = (name: string, method: string, call: Call) => Call;

export function plantDefect(defect: Defect, random: () => number): Planted {
  switch (defect) {
    case "dedup":
      return forgetDuplicates(random);
    case "durability":
      return acknowledgeOnly(random);
    case "order":
      return holdBack(random);
    case "isolation":
      return mixUp();
  }
}

/** Every delivery of a message looks like a new one. */
function forgetDuplicates(random: () => number): Planted {
  return (_, method, call) =>
    method === "accept"
      ? (given) => {
          const request = given as AcceptRequest;
          const messages = request.messages.map((message) => ({
            ...message,
            eventKey: `${message.eventKey}#${random()}`,
          }));
          return call({ ...request, messages });
        }
      : call;
}

/** Some messages are acknowledged and nothing is stored. */
function acknowledgeOnly(random: () => number): Planted {
  return (_, method, call) =>
    method === "accept"
      ? (given) => {
          if (random() >= FORGOTTEN_SHARE) return call(given);
          const { messages, nowMs } = given as AcceptRequest;
          const accepted = messages.map(({ eventKey }) => ({
            eventKey,
            id: mintId("msg", nowMs, random),
            duplicate: false,
          }));
          const reply: AcceptReply = ok({ accepted, ring: false, dropped: [] });
          return Promise.resolve(reply);
        }
      : call;
}

/** The replies of some turns are stored behind those of the next turn. */
function holdBack(random: () => number): Planted {
  const held = new Map<string, readonly ReplyDraft[]>();
  const disturb = (name: string, turn: TurnResult | undefined): TurnResult | undefined => {
    if (turn?.is !== "committed" || turn.replies.length === 0) return turn;
    const kept = held.get(name);
    held.delete(name);
    if (kept) return { ...turn, replies: [...turn.replies, ...kept] };
    if (random() >= HELD_SHARE) return turn;
    held.set(name, turn.replies);
    return { ...turn, replies: [] };
  };
  return (name, method, call) => {
    if (method === "finishTurn") {
      return (fence, result, ...rest) => call(fence, disturb(name, result as TurnResult), ...rest);
    }
    if (method !== "commit") return call;
    return (given) => {
      const { turn, ...request } = given as CommitRequest;
      const disturbed = disturb(name, turn);
      return call({ ...request, ...(disturbed ? { turn: disturbed } : {}) });
    };
  };
}

/** A reply goes out through the connection of whichever tenant sends next. */
function mixUp(): Planted {
  let last: { readonly tenant: string; readonly content: OutboxItem["content"] } | undefined;
  return (name, method, call) =>
    method === "lease" || method === "commit"
      ? async (...args) => {
          const reply = (await call(...args)) as { readonly send?: OutboxItem };
          if (!reply.send) return reply;
          const tenant = name.split(":")[0] ?? "";
          const stray = last?.tenant === tenant ? undefined : last;
          last = { tenant, content: reply.send.content };
          return stray ? { ...reply, send: { ...reply.send, content: stray.content } } : reply;
        }
      : call;
}
