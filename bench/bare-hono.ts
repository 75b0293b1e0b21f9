/**
 * The yardsticks: a Hono application that checks a Slack signature with a cached key and answers 200. Without `ROWS` it
 * stores nothing: the least a webhook receiver on this platform can do. With it, one call of the conversation's object
 * writes one row first: the least that a durable one can.
 */
import { DurableObject } from "cloudflare:workers";
import { Hono } from "hono";

interface BareEnv {
  readonly SIGNING_SECRET: string;
  readonly ROWS?: DurableObjectNamespace<Rows>;
}

export class Rows extends DurableObject {
  constructor(ctx: DurableObjectState, env: never) {
    super(ctx, env);
    ctx.storage.sql.exec(
      "CREATE TABLE IF NOT EXISTS rows (id TEXT PRIMARY KEY, body TEXT) WITHOUT ROWID",
    );
  }

  /** Once per id; durable before the answer leaves. */
  put(id: string, body: string): void {
    this.ctx.storage.sql.exec("INSERT OR IGNORE INTO rows (id, body) VALUES (?, ?)", id, body);
  }
}

const encoder = new TextEncoder();
let key: CryptoKey | undefined;

const app = new Hono<{ Bindings: BareEnv }>();

app.post("/webhooks/*", async (c) => {
  const body = new Uint8Array(await c.req.arrayBuffer());
  const stamp = c.req.header("x-slack-request-timestamp") ?? "";
  const signature = hexBytes(c.req.header("x-slack-signature")?.slice("v0=".length) ?? "");
  key ??= await importKey(c.env.SIGNING_SECRET);
  const prefix = encoder.encode(`v0:${stamp}:`);
  const signed = new Uint8Array(prefix.length + body.length);
  signed.set(prefix);
  signed.set(body, prefix.length);
  const valid = await crypto.subtle.verify("HMAC", key, signature, signed);
  if (!valid) return c.text("unauthorized", 401);
  if (c.env.ROWS) await store(c.env.ROWS, new TextDecoder().decode(body));
  return c.text("ok");
});

// biome-ignore lint/style/noDefaultExport: a Worker module is its default export
export default app;

async function store(rows: DurableObjectNamespace<Rows>, body: string): Promise<void> {
  const read = JSON.parse(body) as { readonly event_id: string; readonly event: SlackChannel };
  await rows.getByName(read.event.channel).put(read.event_id, body);
}

type SlackChannel = { readonly channel: string };

function importKey(secret: string): Promise<CryptoKey> {
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  return crypto.subtle.importKey("raw", encoder.encode(secret), algorithm, false, ["verify"]);
}

function hexBytes(hex: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(hex.length >> 1);
  for (let index = 0; index < bytes.length; index += 1) {
    bytes[index] = Number.parseInt(hex.slice(index * 2, index * 2 + 2), 16);
  }
  return bytes;
}
