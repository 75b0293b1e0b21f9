import { afterEach, describe, expect, test, vi } from "vitest";
import type { Media } from "../../schema/message.ts";
import {
  atUrl,
  image,
  keyOf,
  MIB,
  PNG,
  type Situation,
  SLACK,
  STORE,
  store,
  streamOf,
  toBase64,
  WHATSAPP,
} from "../support/media.ts";

afterEach(async () => {
  const { objects } = await STORE.list({ prefix: "media/" });
  await STORE.delete(objects.map(({ key }) => key));
  vi.restoreAllMocks();
});

describe("a file is stored", () => {
  test("from base64 that came along, with its true type", async () => {
    const source = { from: "inline", base64: toBase64(PNG) } as const;
    const media = await store(image(source, { mime_type: "image/jpeg" }));
    expect(media).toMatchObject({
      kind: "image",
      file_name: "a.png",
      mime_type: "image/png",
      size_bytes: PNG.length,
    });
    expect(keyOf(media)).toMatch(/^media\/acme\/\d{4}-\d{2}\/msg_01k000000000000000000a\/0$/);
    const object = await STORE.get(keyOf(media));
    expect(object?.httpMetadata?.contentType).toBe("image/png");
    expect(new Uint8Array((await object?.arrayBuffer()) ?? new ArrayBuffer())).toEqual(PNG);
  });

  test("from a data URI", async () => {
    const source = { from: "inline", base64: `data:image/png;base64,${toBase64(PNG)}` } as const;
    expect((await store(image(source))).size_bytes).toBe(PNG.length);
  });

  test("under the same key on every attempt", async () => {
    const answer = () => new Response(PNG);
    const first = await store(atUrl("https://example.com/a"), { answer, index: 3 });
    const second = await store(atUrl("https://example.com/a"), { answer, index: 3 });
    expect(keyOf(second)).toBe(keyOf(first));
    expect(keyOf(first).endsWith("/3")).toBe(true);
    expect((await STORE.list({ prefix: "media/acme/" })).objects).toHaveLength(1);
  });

  test("byte for byte when it is larger than a part", async () => {
    const size = 17 * MIB + 5;
    const media = await store(atUrl("https://example.com/a"), {
      answer: () => new Response(streamOf(size)),
    });
    expect(media.size_bytes).toBe(size);
    const object = await STORE.get(keyOf(media));
    const [stored, expected] = [
      await object?.arrayBuffer(),
      await new Response(streamOf(size)).arrayBuffer(),
    ];
    const digests = await Promise.all(
      [stored, expected].map((bytes) =>
        crypto.subtle.digest("SHA-256", bytes ?? new ArrayBuffer()),
      ),
    );
    expect(new Uint8Array(digests[0] ?? new ArrayBuffer())).toEqual(
      new Uint8Array(digests[1] ?? new ArrayBuffer(1)),
    );
  });

  test("from Evolution's JSON, in any cut, with escaped slashes", async () => {
    const bytes = new Uint8Array(100_003).map((_, i) => (i * 7) % 256);
    bytes.set(PNG);
    const base64 = toBase64(bytes).replaceAll("/", "\\/");
    const body = `{"mediaType":"imageMessage","caption":"\\"base64\\":\\"no\\"","base64" : "${base64}","buffer":null}`;
    for (const size of [1000, 65_537, 1_000_000]) {
      const answer = (url: string, init: RequestInit) => {
        expect(url).toBe("https://evolution.example.com/chat/getBase64FromMediaMessage/phone");
        expect(init.method).toBe("POST");
        expect(new Headers(init.headers as Record<string, string>).get("apikey")).toBe("evo");
        const text = new TextEncoder().encode(body);
        let at = 0;
        return new Response(
          new ReadableStream({
            pull(controller) {
              if (at >= text.length) return controller.close();
              controller.enqueue(text.subarray(at, at + size));
              at += size;
            },
          }),
          { status: 201 },
        );
      };
      const media = await store(image({ from: "platform", id: "3EB0" }), {
        connection: WHATSAPP,
        answer,
      });
      const object = await STORE.get(keyOf(media));
      expect(new Uint8Array((await object?.arrayBuffer()) ?? new ArrayBuffer())).toEqual(bytes);
    }
  });

  test("from Slack by id, with the bot token on both calls", async () => {
    const calls: string[] = [];
    const answer = (url: string, init: RequestInit) => {
      const headers = new Headers(init.headers as Record<string, string>);
      calls.push(`${url} ${headers.get("authorization")}`);
      if (url.endsWith("/api/files.info")) {
        return Response.json({
          ok: true,
          file: { url_private: "https://files.slack.com/f/a.png" },
        });
      }
      return new Response(PNG);
    };
    const media = await store(image({ from: "platform", id: "F1" }), { connection: SLACK, answer });
    expect(media.source.from).toBe("stored");
    expect(calls).toEqual([
      "https://slack.com/api/files.info Bearer xoxb-1",
      "https://files.slack.com/f/a.png Bearer xoxb-1",
    ]);
  });

  test("as bytes only, where a browser would run it", async () => {
    const page = () => new Response("<html><script>x</script>");
    const media = await store(
      atUrl("https://example.com/a", { kind: "document", mime_type: "text/html" }),
      { answer: page },
    );
    expect(media.mime_type).toBe("text/html");
    expect((await STORE.head(keyOf(media)))?.httpMetadata?.contentType).toBe(
      "application/octet-stream",
    );
  });
});

describe("a file is refused, and nothing is left in the store", () => {
  const url = "https://example.com/a";
  const endless = () => new Response(streamOf(Number.MAX_SAFE_INTEGER));
  const failing = () => {
    let sent = false;
    return new Response(
      new ReadableStream({
        pull(controller) {
          if (sent) return controller.error(new TypeError("reset"));
          sent = true;
          controller.enqueue(PNG);
        },
      }),
    );
  };

  test.each<[string, Media, Situation]>([
    ["too_large", atUrl(url, { size_bytes: 21 * MIB }), {}],
    [
      "too_large",
      atUrl(url),
      {
        answer: () => new Response(PNG, { headers: { "content-length": String(10 * 1024 ** 3) } }),
      },
    ],
    ["too_large", atUrl(url), { answer: endless }],
    [
      "too_large",
      image({ from: "inline", base64: toBase64(PNG) }),
      { vars: { MEDIA_BYTES_MAX: 8 } },
    ],
    [
      "truncated",
      atUrl(url),
      { answer: () => new Response(PNG, { headers: { "content-length": "1000" } }) },
    ],
    ["download_failed", atUrl(url), { answer: failing }],
    [
      "timeout",
      atUrl(url),
      { answer: () => new Response(streamOf(9 * MIB, false)), vars: { MEDIA_TIMEOUT_MS: 300 } },
    ],
    [
      "timeout",
      atUrl(url),
      { answer: () => new Promise<Response>(() => undefined), vars: { MEDIA_TIMEOUT_MS: 100 } },
    ],
    [
      "type_mismatch",
      atUrl(url),
      { answer: () => new Response("<!doctype html><script>x</script>") },
    ],
    ["empty", atUrl(url), { answer: () => new Response("") }],
    ["status_404", atUrl(url), { answer: () => new Response("", { status: 404 }) }],
    [
      "redirected",
      atUrl(url),
      {
        answer: () =>
          new Response(null, { status: 302, headers: { location: "http://169.254.169.254/" } }),
      },
    ],
    ["network", atUrl(url), { answer: () => Promise.reject(new TypeError("refused")) }],
    ["refused_url", atUrl("http://169.254.169.254/latest/meta-data"), {}],
    ["refused_url", atUrl("http://localhost:8787/x"), { connection: WHATSAPP }],
    ["foreign_host", atUrl("https://evil.example/a"), { connection: SLACK }],
    [
      "login_page",
      atUrl("https://files.slack.com/a"),
      {
        connection: SLACK,
        answer: () => new Response("Sign in", { headers: { "content-type": "text/html" } }),
      },
    ],
    [
      "foreign_host",
      image({ from: "platform", id: "F1" }),
      {
        connection: SLACK,
        answer: () => Response.json({ file: { url_private: "https://evil.example/a" } }),
      },
    ],
    [
      "no_file",
      image({ from: "platform", id: "F1" }),
      { connection: SLACK, answer: () => Response.json({ ok: false }) },
    ],
    [
      "no_file",
      image({ from: "platform", id: "1" }),
      { connection: WHATSAPP, answer: () => Response.json({ base64: null }) },
    ],
    [
      "truncated",
      image({ from: "platform", id: "1" }),
      { connection: WHATSAPP, answer: () => new Response(`{"base64":"${toBase64(PNG)}`) },
    ],
    [
      "bad_base64",
      image({ from: "platform", id: "1" }),
      { connection: WHATSAPP, answer: () => Response.json({ base64: "%%%%" }) },
    ],
    ["bad_base64", image({ from: "inline", base64: "A" }), {}],
    ["empty", image({ from: "inline", base64: "" }), {}],
  ])("%s: %j", async (reason, media, situation) => {
    const result = await store(media, situation);
    expect(result).toEqual({ ...media, source: { from: "refused", reason } });
    expect((await STORE.list({ prefix: "media/" })).objects).toEqual([]);
  });

  test("also when the store itself fails", async () => {
    vi.spyOn(STORE, "put").mockRejectedValue(new Error("R2 is down"));
    const result = await store(image({ from: "inline", base64: toBase64(PNG) }));
    expect(result.source).toEqual({ from: "refused", reason: "store_failed" });
  });
});

test("what is stored or refused already stays as it is", async () => {
  const stored = image({ from: "stored", key: "media/acme/2026-01/msg_x/0" });
  expect(await store(stored)).toEqual(stored);
});
