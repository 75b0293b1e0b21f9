/** The webhook door at its limits and one beyond them: size, nesting, content types, messages in one webhook. */
import { createHmac, sign } from "node:crypto";
import { rmSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { adapterFor } from "../../../channels/registry.ts";
import { type Hub, startHub } from "../../../dev/runtime.ts";
import { createTenants } from "../../../dev/seed.ts";
import { temporaryState } from "../../../dev/state.ts";
import { devTenant } from "../../../dev/tenants.ts";
import { type SignedWebhook, signedWebhook, type WebhookSource } from "../../../dev/webhooks.ts";
import type { Route } from "../../../schema/route.ts";
import { eventually } from "../../support/runtime.ts";

const SILENCE: Route = { kind: "silence" };
const CHANNELS = ["whatsapp", "slack", "discord"] as const;
const ROUTES = { whatsapp: SILENCE, slack: SILENCE, discord: SILENCE };
const kit = devTenant({ id: "acme", key: "limits", routes: ROUTES });
const stateDir = temporaryState();
let hub: Hub;
let number = 0;

beforeAll(async () => {
  hub = await startHub({ stateDir, bindings: { RING_AFTER_MS: "500" }, onLog: () => undefined });
  await createTenants(hub, [kit.tenant]);
});
afterAll(async () => {
  await hub?.stop();
  rmSync(stateDir, { recursive: true, force: true });
});

function sourceOf(channel: (typeof CHANNELS)[number]): WebhookSource {
  const source = kit.sources.find((one) => one.channel === channel);
  if (!source) throw new Error(`no ${channel}`);
  return source;
}

/** A webhook of one new message whose body was changed before it was signed. */
function changed(source: WebhookSource, change: (body: string) => string): SignedWebhook {
  number += 1;
  const message = { conversation: number, number, text: "at the limit", atMs: Date.now() };
  const webhook = signedWebhook(source, message);
  const body = change(webhook.body);
  return { ...webhook, body, headers: { ...webhook.headers, ...proof(source, webhook, body) } };
}

function proof(
  source: WebhookSource,
  { headers }: SignedWebhook,
  body: string,
): Readonly<Record<string, string>> {
  if (source.channel === "slack") {
    const signed = `v0:${headers["x-slack-request-timestamp"]}:${body}`;
    const mac = createHmac("sha256", source.signingSecret).update(signed).digest("hex");
    return { "x-slack-signature": `v0=${mac}` };
  }
  if (source.channel === "discord") {
    const signed = Buffer.from(headers["x-signature-timestamp"] + body);
    return { "x-signature-ed25519": sign(null, signed, source.privateKey).toString("hex") };
  }
  return {};
}

/** The object with one more member at its end. */
function withMember(body: string, json: string): string {
  return `${body.slice(0, -1)},"pad":${json}}`;
}

function paddedTo(bytes: number): (body: string) => string {
  return (body) => withMember(body, `"${"x".repeat(bytes - withMember(body, '""').length)}"`);
}

/** An object in whose outermost member `arrays` arrays stand in each other: one level more in all. */
function nested(arrays: number): (body: string) => string {
  return (body) => withMember(body, "[".repeat(arrays) + "]".repeat(arrays));
}

function post(webhook: SignedWebhook, init: RequestInit = {}): Promise<Response> {
  const { headers, body } = webhook;
  return fetch(hub.url + webhook.path, { method: "POST", headers: { ...headers }, body, ...init });
}

async function statusAndCode(answer: Response): Promise<readonly unknown[]> {
  const text = await answer.text();
  const isProblem = answer.headers.get("content-type") === "application/problem+json";
  return [answer.status, isProblem ? (JSON.parse(text) as { code: string }).code : undefined];
}

async function count(sql: string): Promise<number> {
  const db = await hub.mf.getD1Database("DB");
  return (await db.prepare(`SELECT count(*) AS n FROM ${sql}`).first<{ n: number }>())?.n ?? -1;
}

describe.each(CHANNELS)("%s", (channel) => {
  const source = sourceOf(channel);
  const bytesMax = adapterFor(channel)?.limits.bodyBytesMax ?? 0;

  test("a body of exactly the limit is taken, one byte more is 413, said beforehand or not", async () => {
    expect((await post(changed(source, paddedTo(bytesMax)))).status).toBe(200);
    const large = changed(source, paddedTo(bytesMax + 1));
    expect(await statusAndCode(await post(large))).toEqual([413, "payload_too_large"]);
    const stream = new Blob([large.body]).stream();
    const unsaid = { body: stream, duplex: "half" } as RequestInit;
    expect(await statusAndCode(await post(large, unsaid))).toEqual([413, "payload_too_large"]);
    const exact = changed(source, paddedTo(bytesMax));
    const unsaidExact = { body: new Blob([exact.body]).stream(), duplex: "half" } as RequestInit;
    expect((await post(exact, unsaidExact)).status).toBe(200);
  });

  test("64 levels are read; at 65 the webhook is kept for later, and answered so that it does not come again", async () => {
    const dead = "dead_letters WHERE stage = 'quarantine' AND reason = 'too_deep'";
    const before = await count(dead);
    expect((await post(changed(source, nested(63)))).status).toBe(200);
    expect(await count(dead)).toBe(before);
    expect((await post(changed(source, nested(64)))).status).toBe(200);
    expect((await post(changed(source, nested(50_000)))).status).toBe(200);
    expect(await count(dead)).toBe(before + 2);
  });

  test.each([
    ["APPLICATION/JSON; charset=utf-8", 200],
    ["application/json ; charset=x", 200],
    ["application/json, application/json", 415],
    ["text/plain", 415],
    ["multipart/form-data; boundary=x", 415],
    ["application/json\u00e9", 415],
    ["", 415],
  ] as const)("content type %j is %i", async (type, status) => {
    const webhook = changed(source, (body) => body);
    const answer = await post({
      ...webhook,
      headers: { ...webhook.headers, "content-type": type },
    });
    expect(answer.status).toBe(status);
  });
});

describe("one webhook with many messages", () => {
  const source = sourceOf("whatsapp");
  const many = (messages: number, prefix: string): SignedWebhook =>
    changed(source, (text) => {
      const body = JSON.parse(text) as { data: { key: { id: string } } };
      const all = Array.from({ length: messages }, (_, index) => ({
        ...body.data,
        key: { ...body.data.key, id: `${prefix}${index}` },
      }));
      return JSON.stringify({ ...body, data: { messages: all } });
    });

  test("a hundred are all taken, once", async () => {
    const webhook = many(100, "HUNDRED");
    expect([(await post(webhook)).status, (await post(webhook)).status]).toEqual([200, 200]);
    const taken = "messages WHERE platform_id LIKE 'HUNDRED%'";
    await eventually("a hundred rows", async () =>
      (await count(taken)) >= 100 ? true : undefined,
    );
    expect(await count(taken)).toBe(100);
  });

  test("more than a hundred are kept whole for later: none is taken, none is lost", async () => {
    const before = await count("dead_letters WHERE stage = 'quarantine'");
    expect((await post(many(101, "MORE"))).status).toBe(200);
    expect((await post(many(1500, "EVENMORE"))).status).toBe(200);
    expect(await count("dead_letters WHERE stage = 'quarantine'")).toBe(before + 2);
    expect(await count("messages WHERE platform_id LIKE '%MORE%'")).toBe(0);
  });
});
