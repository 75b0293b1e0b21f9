/** Webhooks that start runs: who gets in and how, what is the same call, and what is refused. */
import { beforeAll, describe, expect, test, vi } from "vitest";
import "./loaded.ts";
import { signWebhook } from "../../../platform/webhook-signature.ts";
import { type Answer, type ApiTenant, apiTenant, asking, noting } from "./api-hub.ts";

vi.setConfig({ testTimeout: 60_000 });

const SECRET = `whsec_${btoa("a secret of thirty two bytes !!!")}`;
const OLD_SECRET = "an-older-secret with_spaces_in_it";
const stranger = asking(undefined);
let hub: ApiTenant;

beforeAll(async () => {
  hub = await apiTenant();
  await hub.ask("PUT", "/secrets/hook", { value: `${SECRET}\n${OLD_SECRET}` });
  const total = { type: "object", required: ["total"], properties: { total: { type: "integer" } } };
  const triggers = [
    { type: "webhook", path: "signed", secret: "hook", correlationId: "string(event.data.total)" },
    { type: "webhook", path: "keyed" },
    { type: "webhook", path: "large", secret: "hook", condition: "event.data.total > 100" },
    { type: "webhook", path: "named", secret: "hook", idempotencyKey: "string(event.data.total)" },
    { type: "webhook", path: "lost", secret: "missing" },
  ];
  const made = await hub.ask(
    "POST",
    "/workflows",
    noting("w", "1.0.0", { triggers, input: total }),
  );
  expect(made.status, made.text).toBe(201);
});

const urlOf = (path: string, workflow = "w", tenant = hub.tenant) =>
  `/hooks/workflows/${tenant}/${workflow}/${path}`;
let ids = 0;

async function signed(body: string, secret = SECRET, more: { id?: string; atMs?: number } = {}) {
  ids += 1;
  const timestamp = Math.floor((more.atMs ?? Date.now()) / 1000);
  const delivery = { id: more.id ?? `msg_${ids}`, timestamp, body: new TextEncoder().encode(body) };
  const headers = await signWebhook(delivery, [secret]);
  if (!headers.ok) throw new Error("not signed");
  return headers.value;
}

async function hmac(body: string, secret: string): Promise<string> {
  const bytes = (text: string) => new TextEncoder().encode(text);
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("raw", bytes(secret), algorithm, false, ["sign"]);
  return new Uint8Array(await crypto.subtle.sign("HMAC", key, bytes(body))).toHex();
}

const runOf = ({ status, body }: Answer): string => {
  expect([status, typeof body.run]).toEqual([202, "string"]);
  return body.run;
};

let totals = 0;
const aBody = () => {
  totals += 1;
  return JSON.stringify({ total: totals });
};

describe("a caller gets in", () => {
  test("by a Standard Webhooks signature", async () => {
    const body = aBody();
    const run = runOf(await stranger("POST", urlOf("signed"), body, await signed(body)));
    const shown = (await hub.ask("GET", `/runs/${run}`)).body;
    expect(shown).toMatchObject({
      trigger: "webhook",
      input: JSON.parse(body),
      correlation_id: String(totals),
    });
  });

  test.each([
    ["x-hub-signature-256", "sha256="],
    ["x-webhook-signature", "sha256="],
  ])("by HMAC of the raw body in %s, with any of the secrets", async (name, prefix) => {
    // White space is part of what is signed.
    const body = ` ${aBody()}\n`;
    const header = { [name]: `${prefix}${await hmac(body, OLD_SECRET)}` };
    runOf(await stranger("POST", urlOf("signed"), body, header));
  });

  test("by the secret as bearer token", async () => {
    runOf(await stranger("POST", urlOf("signed"), aBody(), { authorization: `Bearer ${SECRET}` }));
  });

  test("with members of its own in the query", async () => {
    const headers = { authorization: `Bearer ${SECRET}` };
    runOf(await stranger("POST", `${urlOf("signed")}?source=shop&v=1&v=2`, aBody(), headers));
  });

  test("by an API key that may start runs, where there is no secret", async () => {
    runOf(await hub.ask("POST", urlOf("keyed"), aBody()));
  });
});

describe("everybody else gets the same 401", () => {
  test("whatever is wrong, or not there at all", async () => {
    const body = aBody();
    const reader = await apiTenant(["runs:read"]);
    const other = await apiTenant();
    const old = Date.now() - 600_000;
    const answers = await Promise.all([
      stranger("POST", urlOf("signed"), body),
      stranger("POST", urlOf("signed"), `${body} `, await signed(body)),
      stranger(
        "POST",
        urlOf("signed"),
        body,
        await signed(body, `whsec_${btoa("another secret of thirty two !!!")}`),
      ),
      stranger("POST", urlOf("signed"), body, await signed(body, SECRET, { atMs: old })),
      stranger("POST", urlOf("signed"), body, {
        "x-hub-signature-256": `sha256=${await hmac(`${body} `, OLD_SECRET)}`,
      }),
      stranger("POST", urlOf("signed"), body, { authorization: "Bearer wrong" }),
      // Parts of a secret are none.
      stranger("POST", urlOf("signed"), body, { authorization: "Bearer an-older-secret" }),
      // A signature that does not fit is not made good by a token.
      stranger("POST", urlOf("signed"), body, {
        "x-hub-signature-256": "sha256=00",
        authorization: `Bearer ${SECRET}`,
      }),
      hub.ask("POST", urlOf("signed"), body),
      stranger("POST", urlOf("keyed"), body),
      reader.ask("POST", urlOf("keyed"), body),
      other.ask("POST", urlOf("keyed"), body),
      stranger("POST", urlOf("lost"), body, { authorization: "Bearer x" }),
      stranger("POST", urlOf("nowhere"), body, await signed(body)),
      stranger("POST", urlOf("signed", "none"), body, await signed(body)),
      stranger("POST", urlOf("signed", "w", "nobody"), body, await signed(body)),
      stranger("POST", `${urlOf("signed")}?key=${SECRET}&tenant=x`, body),
      // Before anything of the body is read.
      stranger("POST", urlOf("signed"), "{ not JSON"),
    ]);
    const told = answers.map(({ status, body: { instance: _, trace_id: __, ...same } }) => [
      status,
      same,
    ]);
    expect(new Set(told.map((one) => JSON.stringify(one))).size).toBe(1);
    expect(told[0]?.[0]).toBe(401);
  });
});

describe("the same call is the same run", () => {
  test("by its signed id", async () => {
    const body = aBody();
    const headers = await signed(body, SECRET, { id: "msg_same" });
    const answers = await Promise.all(
      [1, 2, 3, 4].map(() => stranger("POST", urlOf("signed"), body, headers)),
    );
    expect(new Set(answers.map(runOf)).size).toBe(1);
    expect(answers.filter(({ body: one }) => !one.duplicate)).toHaveLength(1);
    const other = await signed(body, SECRET, { id: "msg_other" });
    expect(runOf(await stranger("POST", urlOf("signed"), body, other))).not.toBe(
      answers[0]?.body.run,
    );
  });

  test("by an Idempotency-Key of a caller with a token", async () => {
    const headers = { authorization: `Bearer ${SECRET}`, "idempotency-key": "one" };
    const first = runOf(await stranger("POST", urlOf("signed"), aBody(), headers));
    expect(runOf(await stranger("POST", urlOf("signed"), aBody(), headers))).toBe(first);
    // Another webhook of the workflow has names of its own.
    const large = { ...headers, "content-type": "application/json" };
    const body = JSON.stringify({ total: 1000 });
    expect(runOf(await stranger("POST", urlOf("large"), body, large))).not.toBe(first);
    const longest = { ...headers, "idempotency-key": "x".repeat(255) };
    runOf(await stranger("POST", urlOf("signed"), aBody(), longest));
    const long = { ...headers, "idempotency-key": "x".repeat(256) };
    expect((await stranger("POST", urlOf("signed"), aBody(), long)).status).toBe(400);
  });

  test("by its body, where nothing that names it was signed", async () => {
    const body = aBody();
    const signature = { "x-hub-signature-256": `sha256=${await hmac(body, OLD_SECRET)}` };
    const first = runOf(await stranger("POST", urlOf("signed"), body, signature));
    // Whoever has seen the call cannot make another one of it.
    const renamed = { ...signature, "idempotency-key": "another" };
    expect(runOf(await stranger("POST", urlOf("signed"), body, renamed))).toBe(first);
  });

  test("by the key that its trigger makes of it", async () => {
    const body = JSON.stringify({ total: 77 });
    const first = runOf(await stranger("POST", urlOf("named"), body, await signed(body)));
    const same = JSON.stringify({ total: 77, more: true });
    expect(runOf(await stranger("POST", urlOf("named"), same, await signed(same)))).toBe(first);
  });
});

describe("what is refused behind the proof", () => {
  const post = async (path: string, body: string) =>
    stranger("POST", urlOf(path), body, await signed(body));

  test.each([
    ["no JSON", "signed", "{ not JSON", 400, "invalid_json"],
    ["nothing at all", "named", "", 422, "unprocessable"],
    ["an input that does not fit", "large", '{"total":"many"}', 422, "unprocessable"],
    ["too much", "signed", `"${"x".repeat(1_048_576)}"`, 413, "payload_too_large"],
  ])("%s", async (_, path, body, status, code) => {
    const answer = await post(path, body);
    expect([answer.status, answer.body.code]).toEqual([status, code]);
  });

  test("an input that does not fit is shown where", async () => {
    const answer = await hub.ask("POST", urlOf("keyed"), { total: "many" });
    expect([answer.status, answer.body.errors[0].pointer]).toEqual([422, "#/input/total"]);
  });

  test("a call whose condition is false starts nothing, and that is said", async () => {
    const answer = await post("large", '{"total":100}');
    expect([answer.status, answer.body]).toEqual([
      202,
      { run: null, workflow: "w", duplicate: false },
    ]);
  });

  test("a workflow that is paused: 409", async () => {
    await hub.ask("POST", "/workflows/w/pause");
    expect((await post("signed", aBody())).status).toBe(409);
    await hub.ask("POST", "/workflows/w/resume");
  });
});
