/**
 * One conversation's sender, as patient as a platform: it offers a message until somebody says 2xx, waits
 * a little longer each time, sometimes delivers twice, and only then goes on to the next one.
 */
import { type SignedWebhook, signedWebhook, type WebhookSource } from "../webhooks.ts";
import { markOf, type SentMessage } from "./judge.ts";
import type { Random } from "./random.ts";

export interface SenderOptions {
  readonly url: string;
  readonly tenant: string;
  readonly source: WebhookSource;
  /** Which of the source's conversations. */
  readonly index: number;
  readonly messages: number;
  /** Time to send all of them in, in ms; the pace is even with a random part. */
  readonly spreadMs: number;
  readonly duplicateChance: number;
  readonly random: Random;
  /** Ends the sender early: what is not acknowledged by then never was. */
  readonly signal: AbortSignal;
  readonly onAnswer: (answer: SenderAnswer) => void;
}

/** One attempt's end. `status` absent: no connection, or it broke. */
export interface SenderAnswer {
  readonly atMs: number;
  readonly status?: number;
}

const FIRST_RETRY_MS = 40;
const RETRY_MAX_MS = 600;
const ATTEMPT_TIMEOUT_MS = 5000;

/** Sends all messages of the conversation; resolves with what became of each. */
export async function sendConversation(options: SenderOptions): Promise<SentMessage[]> {
  const sent: SentMessage[] = [];
  const conversation = conversationName(options.source, options.index);
  const pauseMs = options.spreadMs / options.messages;
  for (let number = 1; number <= options.messages && !options.signal.aborted; number += 1) {
    const message = { tenant: options.tenant, conversation, number };
    const acked = await offer(options, number, `${markOf(message)} hello`);
    sent.push({ ...message, acked });
    await pause(pauseMs * (0.5 + options.random.next()), options.signal);
  }
  return sent;
}

/** The name of a conversation in marks. */
function conversationName(source: WebhookSource, index: number): string {
  return `${source.channel}-${index}`;
}

async function offer(options: SenderOptions, number: number, text: string): Promise<boolean> {
  let waitMs = FIRST_RETRY_MS;
  while (!options.signal.aborted) {
    const webhook = signedWebhook(options.source, {
      conversation: options.index,
      number,
      text,
      atMs: Date.now(),
    });
    const copies = options.random.chance(options.duplicateChance) ? [webhook, webhook] : [webhook];
    const answers = await Promise.all(copies.map((copy) => attempt(options, copy)));
    if (answers.some((accepted) => accepted)) {
      return true;
    }
    await pause(waitMs * (0.5 + options.random.next()), options.signal);
    waitMs = Math.min(waitMs * 2, RETRY_MAX_MS);
  }
  return false;
}

async function attempt(options: SenderOptions, webhook: SignedWebhook): Promise<boolean> {
  const status = await post(options.url, webhook);
  options.onAnswer({ atMs: Date.now(), ...(status !== undefined && { status }) });
  return status !== undefined && status >= 200 && status < 300;
}

async function post(url: string, webhook: SignedWebhook): Promise<number | undefined> {
  try {
    const response = await fetch(url + webhook.path, {
      method: "POST",
      headers: { ...webhook.headers },
      body: webhook.body,
      signal: AbortSignal.timeout(ATTEMPT_TIMEOUT_MS),
    });
    await response.arrayBuffer();
    return response.status;
  } catch {
    return undefined;
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
