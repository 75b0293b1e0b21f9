/**
 * Asking Evolution whether a send in doubt went out: the newest messages of the chat are listed
 * (`POST /chat/findMessages`), and one of ours with the same content from that time on is taken for it. A
 * server that shows nothing of the chat proves nothing: it may keep no messages, or know the person under
 * another number.
 */
import type { WhatsappConnection } from "../../schema/connection.ts";
import type { OutboundMessage, StepResponse } from "../../schema/outbound.ts";
import type { Reconciliation } from "../channel-adapter.ts";
import { type Fields, fieldsOf, listOf, memberOf, objectOf, stringOf } from "../shared/fields.ts";
import { normaliseJid } from "./jid.ts";
import { CALL_TIMEOUT_MS } from "./limits.ts";
import { platformIdOf } from "./message-id.ts";
import { type Act, planOf } from "./plan.ts";
import { originOf } from "./send.ts";
import { timeOfSeconds } from "./time.ts";
import { unwrapMessage } from "./unwrap.ts";

/** Evolution stamps whole seconds, by its own clock. */
const CLOCK_SKEW_MS = 5_000;

type Finding = ReturnType<Reconciliation["read"]>;
type Create = Extract<Act, { is: "text" | "media" }>;

export const evolutionReconciliation: Reconciliation<WhatsappConnection> = {
  request(message, connection) {
    const base = originOf(connection.baseUrl);
    const jid = normaliseJid(message.conversationKey);
    if (base === undefined || jid === undefined || createsOf(message).length === 0) {
      return undefined;
    }
    return {
      step: "reconcile",
      method: "POST",
      url: `${base}/chat/findMessages/${encodeURIComponent(connection.instance)}`,
      headers: { apikey: connection.credentials.apiKey },
      body: { as: "json", json: { where: { key: { remoteJid: jid } }, page: 1 } },
      timeoutMs: CALL_TIMEOUT_MS,
      idempotent: true,
    };
  },

  read(message, status, body, delivered = []) {
    const page = status === 200 || status === 201 ? pageIn(body) : undefined;
    if (page === undefined || page.records.length === 0) {
      return { found: "unknown" };
    }
    const known = new Set(delivered.map(({ step }) => step));
    const act = createsOf(message).find(({ step }) => !known.has(step));
    return act === undefined ? { found: "unknown" } : judge(message, act, page, delivered);
  },
};

/** The steps that make messages, in order: the one in doubt is the first of them not known to be there. */
function createsOf(message: OutboundMessage): readonly Create[] {
  const plan = planOf(message.content);
  return "refused" in plan ? [] : plan.filter((act) => act.is === "text" || act.is === "media");
}

interface Page {
  /** Newest first. */
  readonly records: readonly Fields[];
  readonly more: boolean;
}

/** Version 2 answers `{messages: {total, pages, currentPage, records}}`, version 1 the records alone. */
function pageIn(body: string): Page | undefined {
  const json = parsed(body);
  const messages = objectOf(fieldsOf(json), "messages");
  const list = Array.isArray(json) ? json : listOf(messages, "records");
  if (!Array.isArray(json) && messages === undefined) {
    return undefined;
  }
  const pages = memberOf(messages, "pages");
  const records = list.map(fieldsOf).filter((record) => record !== undefined);
  return { records, more: typeof pages === "number" && pages > 1 };
}

function judge(
  message: OutboundMessage,
  act: Create,
  { records, more }: Page,
  delivered: readonly StepResponse[],
): Finding {
  const fromMs = message.createdAtMs - CLOCK_SKEW_MS;
  const taken = new Set(delivered.map(({ platformId }) => platformId));
  const chosenId = platformIdOf(message.id, act.step);
  const match = records
    .toReversed()
    .filter((record) => timeOf(record) >= fromMs && isOurs(record) && !taken.has(idOf(record)))
    .find((record) => idOf(record) === chosenId || shows(record, act));
  const platformId = match && idOf(match);
  if (platformId !== undefined) {
    const step: StepResponse = { step: act.step, outcome: "delivered", platformId };
    return { found: "yes", platformId, steps: [...delivered, step] };
  }
  const reachesBack = !more || records.some((record) => timeOf(record) < fromMs);
  return { found: reachesBack ? "no" : "unknown" };
}

function isOurs(record: Fields): boolean {
  return memberOf(objectOf(record, "key"), "fromMe") === true;
}

function idOf(record: Fields): string | undefined {
  return stringOf(objectOf(record, "key"), "id");
}

function timeOf(record: Fields): number {
  return timeOfSeconds(memberOf(record, "messageTimestamp")) ?? 0;
}

/** The same text, or a file of the same kind with the same caption. */
function shows(record: Fields, act: Create): boolean {
  const content = unwrapMessage(memberOf(record, "message"), memberOf(record, "messageType"));
  const body = fieldsOf(content?.body);
  if (act.is === "text") {
    const text = typeof content?.body === "string" ? content.body : stringOf(body, "text");
    return text === act.text;
  }
  const kind = act.media.kind === "voice" ? "audio" : act.media.kind;
  return content?.type === `${kind}Message` && stringOf(body, "caption") === act.caption;
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}
