/** Files over Slack: fetched with the bot's token, a login page refused, and uploads in three steps. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { PDF_BYTES, PNG_BYTES } from "../../../simulators/media.ts";
import type { MessageItem } from "../../support/channels/api.ts";
import {
  openSlack,
  posted,
  slackCalls,
  slackConnection,
  teamOf,
} from "../../support/channels/slack.ts";
import { type ChannelWorld, startWorld, until } from "../../support/channels/world.ts";

let world: ChannelWorld;
let host: Server;
const acme = () => world.api("acme");

beforeAll(async () => {
  world = await startWorld();
  const stranger = slackConnection("stranger");
  await world.addTenant({
    id: "acme",
    connections: [
      slackConnection("files"),
      {
        ...stranger,
        credentials: { signingSecret: "signing-secret-of-stranger", botToken: "xoxb-of-nobody" },
      },
    ],
  });
  for (const id of ["files", "stranger"]) openSlack(world, id);
  host = createServer((_request, response) => {
    response.writeHead(200, { "content-type": "application/pdf" }).end(PDF_BYTES);
  });
  await new Promise<void>((resolve) => host.listen(0, "127.0.0.1", resolve));
});
afterAll(async () => {
  host?.close();
  await world?.stop();
});

describe("files in", () => {
  test("shared files are fetched with the token, stored, and their links open", async () => {
    await emit("files", { channel: "C0IN", text: "two files", files: ["image", "document"] });
    await posted(world, "C0IN", "echo: two files");
    const item = await inbound("two files", "stored");
    expect(item.content.media.map(({ kind }) => kind)).toEqual(["image", "document"]);
    expect(await fileOf(item, 0)).toEqual(PNG_BYTES);
    expect(await fileOf(item, 1)).toEqual(PDF_BYTES);
  });

  test("a stub of another company's file is looked up first", async () => {
    await emit("files", {
      channel: "C0STUB",
      text: "a stub",
      files: [{ kind: "image", stub: true }],
    });
    const item = await inbound("a stub", "stored");
    expect(slackCalls(world, "files.info").length).toBeGreaterThan(0);
    expect(await fileOf(item, 0)).toEqual(PNG_BYTES);
  });

  test("the login page that a wrong token gets is no file, and the text is answered", async () => {
    await emit("stranger", { channel: "C0LOGIN", text: "not for you", files: ["image"] });
    const item = await inbound("not for you", "refused");
    expect(item.content.media[0]?.source.reason).toBe("login_page");
  });

  test("a message of files alone is taken in too", async () => {
    await emit("files", { channel: "C0ALONE", text: "", files: ["audio"] });
    const item = await until("a stored audio file", async () =>
      (await acme().history("&direction=inbound")).find(
        ({ content }) =>
          content.media[0]?.kind === "audio" && content.media[0].source.from === "stored",
      ),
    );
    expect(item.content.text).toBe("");
  });
});

describe("files out", () => {
  test("a stored file is uploaded in three steps and shared with its text in the thread", async () => {
    const item = await inbound("two files", "stored");
    const source = { from: "stored", key: item.content.media[0]?.source.key };
    const media = [{ kind: "image", source, file_name: "pixel.png" }];
    await send({
      to: "C0BACK",
      thread: "1795200000.000100",
      content: { type: "media", media, text: "**yours**" },
    });
    const done = await until(
      "completed",
      () => slackCalls(world, "files.completeUploadExternal")[0],
    );
    const [asked] = slackCalls(world, "files.getUploadURLExternal");
    expect(asked?.body).toMatchObject({ filename: "pixel.png" });
    expect(Number((asked?.body as { length?: unknown } | undefined)?.length)).toBe(
      PNG_BYTES.length,
    );
    expect(done.body).toMatchObject({
      channel_id: "C0BACK",
      thread_ts: "1795200000.000100",
      initial_comment: "*yours*",
    });
    expect(world.slack.calls().filter(({ path }) => path.startsWith("/upload/v1/"))).toHaveLength(
      1,
    );
  });

  test("a file at a URL is uploaded where its size is known, and linked where it is not", async () => {
    const url = `http://127.0.0.1:${(host.address() as AddressInfo).port}/report.pdf`;
    const file = { kind: "document", source: { from: "url", url }, file_name: "report.pdf" };
    const sized = { ...file, size_bytes: PDF_BYTES.length };
    await send({ to: "C0SIZED", content: { type: "media", media: [sized], text: "report" } });
    await until("uploaded", () =>
      slackCalls(world, "files.completeUploadExternal").find(
        ({ body }) => (body as { channel_id?: string }).channel_id === "C0SIZED",
      ),
    );
    await send({ to: "C0LINK", content: { type: "media", media: [file], text: "report" } });
    await posted(world, "C0LINK", `report\n\n<${url}|report.pdf>`);
  });
});

async function emit(id: string, what: Record<string, unknown>): Promise<void> {
  await world.slack.emit({ team: teamOf(id), wait: true, ...what });
}

async function send(body: Record<string, unknown>): Promise<string> {
  const answer = await acme().post("/messages/send", { connection: "files", ...body });
  expect(answer).toMatchObject({ status: 202 });
  return String(answer.body.id);
}

function inbound(text: string, from: string): Promise<MessageItem> {
  return until(`"${text}" with files ${from}`, async () =>
    (await acme().history("&direction=inbound")).find(
      ({ content }) =>
        content.text === text && content.media.every(({ source }) => source.from === from),
    ),
  );
}

async function fileOf(item: MessageItem, index: number): Promise<Buffer> {
  const { body } = await acme().get(`/messages/${item.id}/media/${index}`);
  return Buffer.from(await (await fetch(String(body.url))).arrayBuffer());
}
