/** Files over Evolution: taken into our store before a turn, refused by name, and sent by link. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { PNG_BYTES } from "../../../simulators/media.ts";
import type { MessageItem } from "../../support/channels/api.ts";
import {
  openWhatsapp,
  sends,
  sentText,
  whatsappConnection,
} from "../../support/channels/whatsapp.ts";
import { type ChannelWorld, startWorld, until } from "../../support/channels/world.ts";

const BYTES_MAX = 4096;
/** For files that drip; a busy machine has to be done with the others by then. */
const TIMEOUT_MS = 3000;
let world: ChannelWorld;
let files: { readonly server: Server; readonly url: string };

beforeAll(async () => {
  world = await startWorld({
    bindings: { MEDIA_BYTES_MAX: String(BYTES_MAX), MEDIA_TIMEOUT_MS: String(TIMEOUT_MS) },
  });
  await world.addTenant({
    id: "acme",
    connections: [
      whatsappConnection("main", { humanPauseMs: 0 }),
      whatsappConnection("asked", {
        route: { kind: "webhook", url: `${world.urls.receiver}/agent` },
      }),
    ],
  });
  await world.addTenant({ id: "globex", connections: [whatsappConnection("foreign")] });
  for (const id of ["main", "asked"]) openWhatsapp(world, id);
  files = await serveFiles();
});
afterAll(async () => {
  files?.server.close();
  await world?.stop();
});

describe("files in", () => {
  const ways = [
    ["asked of Evolution", "none"],
    ["inline in the webhook", "base64"],
    ["at Evolution's own storage", "url"],
  ] as const;
  test.each(ways)("an image %s is stored, and its link opens", async (way, inline) => {
    await emit("main", { media: { kind: "image", caption: `look: ${way}`, inline } });
    await sentText(world, "main", `echo: look: ${way}`);
    const item = await stored(`look: ${way}`);
    expect(item.content.media[0]).toMatchObject({ kind: "image", mime_type: "image/png" });
    const link = await world.api("acme").get(`/messages/${item.id}/media/0`);
    expect(link.status).toBe(200);
    const file = await fetch(String(link.body.url));
    expect(file.headers.get("content-type")).toBe("image/png");
    expect(Buffer.from(await file.arrayBuffer())).toEqual(PNG_BYTES);
    expect((await fetch(`${String(link.body.url)}0`)).status).toBe(404);
    expect((await world.api("globex").get(`/messages/${item.id}/media/0`)).status).toBe(404);
  });

  test.each(["video", "audio", "voice", "document", "sticker"])(
    "a %s keeps its kind",
    async (kind) => {
      await emit("main", { media: { kind, caption: `a ${kind}` } });
      const item = await until(`a ${kind} stored`, async () =>
        (await world.api("acme").history("&direction=inbound")).find(
          ({ content }) =>
            content.media[0]?.kind === kind && content.media[0].source.from !== "platform",
        ),
      );
      expect(item.content.media[0]?.source).toMatchObject({
        // The simulated clip is a picture that calls itself a video.
        from: kind === "video" ? "refused" : "stored",
      });
    },
  );

  const refusals = [
    ["announces more than allowed", "/media/huge.bin", /too_large/],
    ["never ends", "/media/endless.bin", /too_large|timeout/],
    ["drips for too long", "/media/drip.png", /timeout/],
    ["is a page that calls itself a picture", "/media/lying.png", /type|lying|mismatch/],
    ["is cut short", "/media/truncated.png", /truncated|download|broken/],
    ["redirects to a private address", "/media/redirect.png", /redirect/],
  ] as const;
  test.each(refusals)(
    "a file that %s is refused, and the text is answered",
    async (what, path, reason) => {
      const url = `${world.urls.evolution}${path}`;
      await emit("main", { media: { kind: "image", caption: what, inline: "url", url } });
      await sentText(world, "main", `echo: ${what}`);
      const item = await until("refused", async () =>
        (await world.api("acme").history("&direction=inbound")).find(
          ({ content }) => content.text === what && content.media[0]?.source.from === "refused",
        ),
      );
      expect(item.content.media[0]?.source.reason).toMatch(reason);
      expect((await world.api("acme").get(`/messages/${item.id}/media/0`)).status).toBe(409);
    },
  );

  test("a file at an address of the inner network is not fetched", async () => {
    const url = "http://169.254.169.254/latest/meta-data";
    await emit("main", { media: { kind: "image", caption: "inner", inline: "url", url } });
    await sentText(world, "main", "echo: inner");
    const item = await until("refused", async () =>
      (await world.api("acme").history("&direction=inbound")).find(
        ({ content }) => content.text === "inner" && content.media[0]?.source.from === "refused",
      ),
    );
    expect(item.content.media[0]?.source.reason).toBe("refused_url");
  });

  test("an agent gets a link that opens, not a key", async () => {
    world.receiver.answer({ body: { reply: "seen" } });
    await emit("asked", { media: { kind: "document", caption: "read this" } });
    await sentText(world, "asked", "seen");
    const asked = world.receiver.received().at(-1)?.body as {
      data: { messages: { content: { media: { source: { from: string; url: string } }[] } }[] };
    };
    const source = asked.data.messages[0]?.content.media[0]?.source;
    expect(source?.from).toBe("url");
    const file = await fetch(source?.url ?? "");
    expect(await file.text()).toContain("%PDF-1.4");
  });
});

describe("files out", () => {
  test("a file at a URL goes out by that URL, with its caption", async () => {
    const url = `${files.url}/cat.png`;
    const media = [{ kind: "image", source: { from: "url", url }, mime_type: "image/png" }];
    await send({ type: "media", media, text: "**a cat**" });
    const call = await until("sendMedia", () =>
      sends(world, "main", "sendMedia").find(({ body }) => JSON.stringify(body).includes("a cat")),
    );
    expect(call.body).toMatchObject({ mediatype: "image", media: url, caption: "*a cat*" });
  });

  test("a stored file goes out by a signed link that opens", async () => {
    await emit("main", { media: { kind: "image", caption: "send it back" } });
    const item = await stored("send it back");
    const key = item.content.media[0]?.source.key;
    const media = [{ kind: "image", source: { from: "stored", key }, mime_type: "image/png" }];
    await send({ type: "media", media, text: "here you are" });
    const call = await until("sendMedia", () =>
      sends(world, "main", "sendMedia").find(({ body }) =>
        JSON.stringify(body).includes("here you are"),
      ),
    );
    const link = String((call.body as { media: string }).media);
    expect(link.startsWith(world.hub.url)).toBe(true);
    expect(Buffer.from(await (await fetch(link)).arrayBuffer())).toEqual(PNG_BYTES);

    const foreign = await world.api("globex").post("/messages/send", {
      connection: "foreign",
      to: "5511922220001",
      content: { type: "media", media },
    });
    expect(foreign.status).toBe(404);
  });

  test("several files with one text are sent in order, the text once", async () => {
    const media = ["one", "two", "three"].map((name) => ({
      kind: "document",
      source: { from: "url", url: `${files.url}/${name}.pdf` },
      file_name: `${name}.pdf`,
    }));
    await send({ type: "media", media, text: "three files" });
    const calls = await until("three files", () => {
      const found = sends(world, "main").filter(({ body }) =>
        JSON.stringify(body).includes(".pdf"),
      );
      return found.length >= 3 ? found : undefined;
    });
    const names = calls.map(({ body }) => (body as { fileName?: string }).fileName);
    expect(names).toEqual(["one.pdf", "two.pdf", "three.pdf"]);
    const captions = sends(world, "main").filter(({ body }) =>
      JSON.stringify(body).includes("three files"),
    );
    expect(captions).toHaveLength(1);
  });
});

async function emit(id: string, what: Record<string, unknown>): Promise<void> {
  const from = `5511922220${Math.floor(Math.random() * 900 + 100)}`;
  await world.evolution.emit({ instance: `${id}-instance`, from, wait: true, ...what });
}

function stored(text: string): Promise<MessageItem> {
  return until(`"${text}" with its file`, async () =>
    (await world.api("acme").history("&direction=inbound")).find(
      ({ content }) => content.text === text && content.media[0]?.source.from === "stored",
    ),
  );
}

async function send(content: Record<string, unknown>): Promise<void> {
  const body = { connection: "main", to: "5511922220999", content };
  const answer = await world.api("acme").post("/messages/send", body);
  expect(answer).toMatchObject({ status: 202 });
}

/** A public file host. */
async function serveFiles() {
  const server = createServer((_request, response) => {
    response.writeHead(200, { "content-type": "image/png" }).end(PNG_BYTES);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}
