import {
  createServer,
  type IncomingHttpHeaders,
  type Server,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { callOnce } from "../../../platform/http.ts";
import type { OutboundMedia, OutboundRequest, RequestBody } from "../../../schema/outbound.ts";

interface Seen {
  readonly method: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

let server: Server;
let origin = "";
let seen: Seen[] = [];
let reply: (response: ServerResponse) => void;

beforeAll(async () => {
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk) => chunks.push(chunk));
    request.on("error", () => undefined);
    request.on("end", () => {
      seen.push({
        method: request.method ?? "",
        headers: request.headers,
        body: Buffer.concat(chunks),
      });
      reply(response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

beforeEach(() => {
  seen = [];
  reply = (response) => response.end("ok");
});

afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const FILE: OutboundMedia = {
  kind: "image",
  source: { from: "stored", key: "k" },
  mime_type: "image/png",
};

function request(body: RequestBody, more: Partial<OutboundRequest> = {}): OutboundRequest {
  return {
    step: "s",
    method: "POST",
    url: `${origin}/x`,
    headers: {},
    body,
    timeoutMs: 2000,
    idempotent: false,
    ...more,
  };
}

const NONE: RequestBody = { as: "none" };
const file =
  (text: string, headers: Record<string, string> = {}) =>
  async () =>
    new Response(text, { headers: { "content-length": String(text.length), ...headers } });

/** As a server would read it. */
async function formOf({ headers, body }: Seen): Promise<FormData> {
  const type = String(headers["content-type"]);
  return new Response(new Uint8Array(body), { headers: { "content-type": type } }).formData();
}

describe("what is sent", () => {
  test("JSON, with the adapter's headers, a trace and a name", async () => {
    const headers = { authorization: "Bearer t" };
    await callOnce(request({ as: "json", json: { text: "héllo" } }, { headers }), {
      traceparent: "00-a-b-01",
    });
    expect(seen[0]?.headers).toMatchObject({
      authorization: "Bearer t",
      "content-type": "application/json; charset=utf-8",
      traceparent: "00-a-b-01",
      "user-agent": "omni-edge",
    });
    expect(JSON.parse(seen[0]?.body.toString() ?? "")).toEqual({ text: "héllo" });
  });

  test("a content type or user agent of the adapter's own stays", async () => {
    const headers = { "content-type": "application/vnd.x+json", "User-Agent": "DiscordBot" };
    await callOnce(request({ as: "json", json: {} }, { headers }));
    expect(seen[0]?.headers).toMatchObject({
      "content-type": "application/vnd.x+json",
      "user-agent": "DiscordBot",
    });
  });

  test("a form", async () => {
    await callOnce(request({ as: "form", fields: { a: "1&2", ü: " " } }));
    expect(seen[0]?.headers["content-type"]).toMatch(/^application\/x-www-form-urlencoded/);
    expect(Object.fromEntries(new URLSearchParams(seen[0]?.body.toString()))).toEqual({
      a: "1&2",
      ü: " ",
    });
  });

  test("nothing", async () => {
    await callOnce(request(NONE, { method: "DELETE" }));
    expect(seen[0]).toMatchObject({ method: "DELETE", body: Buffer.alloc(0) });
  });

  test("a multipart body with values and files between them", async () => {
    const parts = [
      { name: "payload_json", value: '{"a":"é"}', contentType: "application/json" },
      { name: "files[0]", media: FILE, fileName: 'a "b"\r\n.png' },
      { name: "empty" },
      { name: "files[1]", media: { ...FILE, file_name: "c.png" } },
    ];
    let opened = 0;
    const media = async () => file(`bytes-${opened++}`)();
    const headers = { "content-type": "multipart/form-data" };
    const result = await callOnce(request({ as: "multipart", parts }, { headers }), { media });
    expect(result).toMatchObject({ ok: true, status: 200 });
    const [got] = seen;
    if (!got) throw new Error("nothing sent");
    const form = await formOf(got);
    expect(form.get("payload_json")).toBe('{"a":"é"}');
    expect(form.get("empty")).toBe("");
    const [first, second] = [form.get("files[0]"), form.get("files[1]")] as unknown as [File, File];
    expect(await first.text()).toBe("bytes-0");
    expect(first.type).toBe("image/png");
    expect(second.name).toBe("c.png");
    expect(await second.text()).toBe("bytes-1");
    expect(got.body.toString()).toContain('filename="a %22b%22%0D%0A.png"');
  });

  test("a file alone", async () => {
    const body = { as: "media", media: FILE, contentType: "application/octet-stream" } as const;
    await callOnce(request(body, { method: "PUT" }), { media: file("the bytes") });
    expect(seen[0]?.headers["content-type"]).toBe("application/octet-stream");
    expect(seen[0]?.body.toString()).toBe("the bytes");
  });
});

describe("what comes back", () => {
  test("any status, with headers; redirects are not followed", async () => {
    reply = (response) => response.writeHead(302, { location: `${origin}/elsewhere` }).end("moved");
    const result = await callOnce(request(NONE));
    expect(result).toMatchObject({ ok: true, status: 302, body: "moved" });
    expect(result.ok && result.headers.get("location")).toBe(`${origin}/elsewhere`);
    expect(seen).toHaveLength(1);
  });

  test("the first bytes of an endless answer", async () => {
    reply = (response) => {
      const timer = setInterval(() => response.write("é".repeat(10_000)), 5);
      response.on("close", () => clearInterval(timer));
    };
    const result = await callOnce(request(NONE));
    expect(result).toMatchObject({ ok: true, body: "é".repeat(32_768) });
    const short = await callOnce(request(NONE), { bytesMax: 10 });
    expect(short).toMatchObject({ ok: true, body: "ééééé" });
  });
});

describe("how it fails", () => {
  test.each([
    ["before any answer", () => undefined],
    ["within the body", (response: ServerResponse) => void response.write("half")],
  ])("a server that hangs %s is a timeout, and may have acted", async (_, hang) => {
    reply = hang;
    const startMs = performance.now();
    const result = await callOnce(request(NONE, { timeoutMs: 200 }));
    expect(result).toEqual({ ok: false, reason: "timeout", sent: true });
    expect(performance.now() - startMs).toBeLessThan(10_000);
  });

  test("a connection that breaks may have acted", async () => {
    reply = (response) => response.socket?.resetAndDestroy();
    expect(await callOnce(request(NONE))).toEqual({ ok: false, reason: "network", sent: true });
  });

  test("a caller who gives up ends it", async () => {
    reply = () => undefined;
    const controller = new AbortController();
    const call = callOnce(request(NONE), { signal: controller.signal });
    setTimeout(() => controller.abort(), 50);
    expect(await call).toEqual({ ok: false, reason: "timeout", sent: true });
  });

  test("a request that cannot be made was not sent", async () => {
    const badUrl = await callOnce(request(NONE, { url: "not a url" }));
    const badHeader = await callOnce(request(NONE, { headers: { "x\n": "y" } }));
    for (const result of [badUrl, badHeader]) {
      expect(result).toEqual({ ok: false, reason: "network", sent: false });
    }
    expect(seen).toHaveLength(0);
  });

  const parts = [
    { name: "a", media: FILE },
    { name: "b", media: FILE },
  ];
  const body: RequestBody = { as: "multipart", parts };

  test.each([
    ["is not there", async () => undefined],
    ["cannot be opened", () => Promise.reject(new Error("R2"))],
    ["is refused", async () => new Response("no", { status: 403 })],
    ["never comes", () => new Promise<Response>(() => undefined)],
  ])("a file that %s means nothing was sent", async (_, media) => {
    const result = await callOnce(request(body, { timeoutMs: 200 }), { media });
    expect(result).toEqual({ ok: false, reason: "media", sent: false });
    expect(await callOnce(request(body))).toEqual({ ok: false, reason: "media", sent: false });
    expect(seen).toHaveLength(0);
  });

  test("files opened before the one that is missing are let go", async () => {
    let cancelled = 0;
    const open = () => new Response(new ReadableStream({ cancel: () => void cancelled++ }));
    const files = [open(), undefined];
    await callOnce(request(body), { media: async () => files.shift() });
    expect(cancelled).toBe(1);
  });

  test("a file that breaks on its way may have been received", async () => {
    const broken = new ReadableStream({
      start(controller) {
        controller.enqueue(new TextEncoder().encode("some"));
      },
      pull(controller) {
        controller.error(new Error("R2"));
      },
    });
    const result = await callOnce(request(body), { media: async () => new Response(broken) });
    expect(result).toEqual({ ok: false, reason: "network", sent: true });
  });
});
