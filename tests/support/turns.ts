/** Words for tests about turns: a machine with a policy, what is said to it, what it hands out. */
import type { LeaseReply, TurnResult } from "../../schema/conversation.ts";
import type { TurnPolicy } from "../../schema/policy.ts";
import { aMessage, CONFIG, conversation } from "./conversation.ts";

export type Machine = ReturnType<typeof conversation>;

export function start(policy: TurnPolicy): Machine {
  return conversation({ ...CONFIG, policy });
}

export function say(machine: Machine, ...keys: string[]) {
  const reply = machine.accept(keys.map((eventKey) => aMessage({ eventKey })));
  if (!reply.ok) throw new Error(reply.failure.reason);
  return reply.value;
}

export function leased(machine: Machine): Extract<LeaseReply, { is: "leased" }> {
  const reply = machine.lease();
  if (reply.is !== "leased") throw new Error("expected work");
  return reply;
}

export function texts(reply: Extract<LeaseReply, { is: "leased" }>): readonly string[] {
  return reply.turn?.items.map((item) => item.message.content.text) ?? [];
}

export function end(
  machine: Machine,
  reply: Extract<LeaseReply, { is: "leased" }>,
  over: Partial<TurnResult> = {},
) {
  const persistedSeq = reply.persist.at(-1)?.seq;
  const turn = { id: reply.turn?.id ?? "", is: "committed", replies: [], ...over } as TurnResult;
  return machine.commit({
    token: reply.token,
    ...(persistedSeq ? { persistedSeq } : {}),
    ...(reply.turn ? { turn } : {}),
  });
}
