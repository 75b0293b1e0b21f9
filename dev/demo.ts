/**
 * The first thing a newcomer sees: one signed message per channel goes in, and every reply is shown when it
 * is out, with the message's own timeline. Reads everything through the hub's API.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { getJson, listAll } from "./api.ts";
import type { Output } from "./output.ts";
import { signedWebhook, type WebhookSource } from "./webhooks.ts";

export interface Demo {
  readonly hub: { readonly url: string; readonly adminKey: string };
  readonly tenant: string;
  readonly sources: readonly WebhookSource[];
  readonly output: Output;
}

interface Message {
  readonly id: string;
  readonly content: { readonly text: string };
}
interface Timeline {
  readonly route: string | null;
  readonly replies: readonly {
    readonly id: string;
    readonly status: string;
    readonly reason: string | null;
  }[];
  readonly hops: readonly { readonly hop: string; readonly after_ms: number }[];
}

const ENDED = new Set(["sent", "delivered", "read", "failed", "uncertain"]);
const REPLY_WAIT_MAX_MS = 15_000;

/** Sends one message per source at once and shows the replies as they come. False when one did not. */
export async function runDemo(demo: Demo): Promise<boolean> {
  demo.output.line(`One signed message per channel, as ${demo.tenant}'s platforms would send it:`);
  const shown = await Promise.all(demo.sources.map((source) => showOne(demo, source)));
  return shown.every((replied) => replied);
}

async function showOne(demo: Demo, source: WebhookSource): Promise<boolean> {
  const { output } = demo;
  const nowMs = Date.now();
  const number = nowMs % 1_000_000_000;
  const text = `Hello from ${source.channel}, number ${number}`;
  const webhook = signedWebhook(source, { conversation: 1, number, text, atMs: nowMs });
  const answer = await fetch(demo.hub.url + webhook.path, {
    method: "POST",
    headers: { ...webhook.headers },
    body: webhook.body,
  });
  await answer.arrayBuffer();
  const took = `${answer.status} after ${Date.now() - nowMs} ms`;
  const name = source.channel.padEnd("whatsapp".length);
  output.line(`  ${output.bold(name)} ${output.dim("→")} ${text}  ${output.dim(took)}`);
  const story = answer.ok ? await replyTo(demo, text) : undefined;
  if (!story) {
    output.line(`  ${output.bold(name)} ${output.red("✗")} no reply`);
    return false;
  }
  const { reply, timeline } = story;
  const end = timeline.replies[0];
  const mark = end?.status === "failed" ? output.red("✗") : output.green("←");
  output.line(`  ${output.bold(name)} ${mark} ${reply.content.text}  ${output.dim(endOf(end))}`);
  output.line(`  ${" ".repeat(name.length)}   ${output.dim(hopsOf(timeline))}`);
  return end?.status !== "failed";
}

async function replyTo(
  demo: Demo,
  text: string,
): Promise<{ readonly reply: Message; readonly timeline: Timeline } | undefined> {
  const { hub, tenant } = demo;
  const deadline = Date.now() + REPLY_WAIT_MAX_MS;
  while (Date.now() < deadline) {
    await sleep(100);
    const inbound = await listAll<Message>(hub, `/messages/history/${tenant}?direction=inbound`);
    const message = inbound.find((candidate) => candidate.content.text.includes(text));
    if (!message) {
      continue;
    }
    const timeline: Timeline = await getJson(
      hub,
      `/messages/${message.id}/timeline?tenant=${tenant}`,
    );
    const reply = timeline.replies[0];
    if (reply && ENDED.has(reply.status)) {
      return { reply: await getJson(hub, `/messages/${reply.id}?tenant=${tenant}`), timeline };
    }
  }
  return undefined;
}

function endOf(reply: Timeline["replies"][number] | undefined): string {
  return reply ? [reply.status, reply.reason].filter(Boolean).join(": ") : "";
}

function hopsOf(timeline: Timeline): string {
  const hops = timeline.hops.map(({ hop, after_ms }) => `${hop} +${after_ms}`);
  return `${timeline.route ?? "?"}: ${hops.join(" · ")} ms`;
}
