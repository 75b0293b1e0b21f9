/** What the hub itself says after a crash run, asked through its API: what is uncertain, dead, or still worked on. */
import { type ApiAccess, getJson, listAll } from "../api.ts";
import { findMark, type Listed } from "./judge.ts";

interface MessageItem {
  readonly id: string;
  readonly direction: "inbound" | "outbound";
  readonly status: string;
  readonly content: { readonly text: string };
}
interface DeadLetterItem {
  readonly message: string | null;
  readonly state: string;
}
interface ConversationItem {
  readonly id: string;
}
interface ConversationDetail {
  readonly pending: number;
  readonly unpersisted: number;
  readonly outbox: number;
}

/** Everything the API lists for these tenants. `working`: messages not yet settled. */
export async function listedBy(
  hub: ApiAccess,
  tenants: readonly string[],
): Promise<Listed & { readonly working: number }> {
  const all = await Promise.all(tenants.map((tenant) => listedOf(hub, tenant)));
  return {
    uncertain: all.flatMap((one) => one.uncertain),
    deadLetters: all.flatMap((one) => one.deadLetters),
    working: all.reduce((sum, one) => sum + one.working, 0),
  };
}

async function listedOf(
  hub: ApiAccess,
  tenant: string,
): Promise<Listed & { readonly working: number }> {
  const messages = await listAll<MessageItem>(hub, `/messages/history/${tenant}?limit=200`);
  const letters = await listAll<DeadLetterItem>(hub, `/dead-letters?tenant=${tenant}&limit=200`);
  const marks = new Map(
    messages.map((message) => [message.id, findMark(message.content.text) ?? message.id]),
  );
  return {
    uncertain: messages
      .filter((message) => message.direction === "outbound" && message.status === "uncertain")
      .map((message) => marks.get(message.id) ?? message.id),
    deadLetters: letters
      .filter((letter) => letter.state === "dead")
      .map((letter) => marks.get(letter.message ?? "") ?? letter.message ?? "unknown"),
    working: await workingOf(hub, tenant),
  };
}

const RECONCILED = /^reconciliations_total\{[^}]*outcome="(?:found|absent)"[^}]*\} (\d+)/gm;

/** Uncertain sends that asking the platform settled, by the hub's own counters (a kill may lose a few of them). */
export async function reconciledBy(hub: ApiAccess): Promise<number> {
  const response = await fetch(`${hub.url}/metrics`, {
    headers: { authorization: `Bearer ${hub.adminKey}` },
  });
  const counters = (await response.text()).matchAll(RECONCILED);
  return [...counters].reduce((sum, [, count]) => sum + Number(count), 0);
}

/** What the hub says about messages it owes a reply: their status and hops, one line each. */
export async function stories(hub: ApiAccess, marks: readonly string[]): Promise<string[]> {
  return Promise.all(
    marks.map(async (mark) => {
      const tenant = /^\[\[([\w-]+)\//.exec(mark)?.[1] ?? "";
      const messages = await listAll<MessageItem>(hub, `/messages/history/${tenant}?limit=200`);
      const message = messages.find(
        (one) => one.direction === "inbound" && one.content.text.includes(mark),
      );
      if (!message) {
        return `${mark} is not in the history`;
      }
      const path = `/messages/${message.id}/timeline?tenant=${tenant}`;
      const timeline = await getJson<{ readonly conversation: string }>(hub, path);
      const conversation = await getJson(
        hub,
        `/conversations/${timeline.conversation}?tenant=${tenant}`,
      );
      return `${mark} ${JSON.stringify({ timeline, conversation })}`;
    }),
  );
}

async function workingOf(hub: ApiAccess, tenant: string): Promise<number> {
  const conversations = await listAll<ConversationItem>(
    hub,
    `/conversations?tenant=${tenant}&limit=200`,
  );
  const details = await Promise.all(
    conversations.map(({ id }) =>
      getJson<ConversationDetail>(hub, `/conversations/${id}?tenant=${tenant}`),
    ),
  );
  return details.reduce(
    (sum, detail) => sum + Math.max(detail.pending, detail.unpersisted) + detail.outbox,
    0,
  );
}
