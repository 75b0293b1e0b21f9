/**
 * The yardstick: a Hono application that checks a Slack signature with a cached key and answers 200. It
 * stores nothing, so it is the least a webhook receiver on this platform can do.
 */
import { Hono } from "hono";

interface BareEnv {
  readonly SIGNING_SECRET: string;
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
  return valid ? c.text("ok") : c.text("unauthorized", 401);
});

// biome-ignore lint/style/noDefaultExport: a Worker module is its default export
export default app;

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
