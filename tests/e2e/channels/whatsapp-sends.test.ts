/** Everything that can be sent over Evolution, on the oldest and the newest release, as the server takes it. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { MessageItem } from "../../support/channels/api.ts";
import {
  openWhatsapp,
  sends,
  sentText,
  whatsappConnection,
} from "../../support/channels/whatsapp.ts";
import { type ChannelWorld, startWorld, until } from "../../support/channels/world.ts";

const PERSON = "5511966660001";
let world: ChannelWorld;
const acme = () => world.api("acme");

beforeAll(async () => {
  world = await startWorld();
  await world.addTenant({
    id: "acme",
    connections: [
      whatsappConnection("old", { version: "1" }),
      whatsappConnection("new", { version: "2.4" }),
    ],
  });
  openWhatsapp(world, "old", { version: "1" });
  openWhatsapp(world, "new", { version: "2.4" });
});
afterAll(() => world?.stop());

describe.each(["old", "new"])("the %s release", (id) => {
  const pathOf = (action: string) => new RegExp(`^/${action}/${id}-instance$`);

  test("takes Markdown as WhatsApp's own format, and a quote of the message answered", async () => {
    const asked = await world.evolution.emit({
      instance: `${id}-instance`,
      from: PERSON,
      text: "quote me",
      wait: true,
    });
    await sentText(world, id, "echo: quote me");
    await send(id, { text: "**bold** ~~gone~~ [x](https://a.example)", reply_to: asked.id });
    const call = await until("quoted", () =>
      sends(world, id, "sendText").find(({ body }) => JSON.stringify(body).includes("*bold*")),
    );
    expect(JSON.stringify(call.body)).toContain("*bold* ~gone~ x (https://a.example)");
    expect(JSON.stringify(call.body)).toContain(String(asked.id));
  });

  test("takes a reaction and its end, an edit and a deletion of what was sent", async () => {
    const { platform_id: target } = await sent(await send(id, { text: "tpyo" }));
    await send(id, { content: { type: "edit", target, text: "typo" } });
    await sent(await send(id, { content: { type: "delete", target } }));
    await called(pathOf("chat/updateMessage"), ({ text }) => text === "typo");
    await called(pathOf("chat/deleteMessageForEveryone"), (body) => body.id === target);
    const reaction = { type: "reaction", target, emoji: "👍" };
    await send(id, { content: reaction });
    await send(id, { content: { ...reaction, remove: true } });
    const emoji = (wanted: string) => (body: Record<string, unknown>) =>
      JSON.stringify(body).includes(`"reaction":"${wanted}"`);
    await called(pathOf("message/sendReaction"), emoji("👍"));
    await called(pathOf("message/sendReaction"), emoji(""));
  });

  test("takes voice, stickers and documents by the routes they have", async () => {
    const url = `${world.urls.evolution}/media/${id}/voice.ogg`;
    for (const kind of ["voice", "sticker", "document", "audio", "video"]) {
      await send(id, {
        content: { type: "media", media: [{ kind, source: { from: "url", url } }] },
      });
    }
    const paths = await until("five files", () => {
      const all = sends(world, id).filter(({ body }) => JSON.stringify(body).includes(url));
      return all.length === 5 ? all.map(({ path }) => path.split("/")[2]) : undefined;
    });
    expect(paths).toEqual([
      "sendWhatsAppAudio",
      "sendSticker",
      "sendMedia",
      "sendMedia",
      "sendMedia",
    ]);
  });

  test("shows that somebody is typing, and shows a card's buttons as text", async () => {
    await send(id, { content: { type: "typing", durationMs: 100 } });
    await called(pathOf("chat/sendPresence"), () => true);
    const buttons = [
      { id: "y", label: "Yes" },
      { id: "s", label: "Site", url: "https://a.example" },
    ];
    await send(id, { content: { type: "card", text: "Book it?", buttons } });
    const card = await until("the card", () =>
      sends(world, id, "sendText").find(({ body }) => JSON.stringify(body).includes("Book it?")),
    );
    expect(JSON.stringify(card.body)).toContain("Yes");
    expect(JSON.stringify(card.body)).toContain("https://a.example");
  });
});

describe("addresses", () => {
  test.each([
    ["+55 (11) 96666-0002", "5511966660002"],
    ["5511966660003@s.whatsapp.net", "5511966660003"],
    ["120363000000000009@g.us", "120363000000000009@g.us"],
  ])("%s is written to", async (to, wanted) => {
    const answer = await acme().post("/messages/send", { connection: "new", to, text: `to ${to}` });
    expect(answer.status).toBe(202);
    const call = await sentText(world, "new", `to ${to}`);
    expect(JSON.stringify(call.body)).toContain(wanted);
  });

  test.each(["nobody", "12", "x@y.z", "../../instance/delete"])("%s is none", async (to) => {
    const answer = await acme().post("/messages/send", { connection: "new", to, text: "x" });
    expect(answer.status).toBe(422);
  });
});

async function send(connection: string, body: Record<string, unknown>): Promise<string> {
  const answer = await acme().post("/messages/send", { connection, to: PERSON, ...body });
  expect(answer).toMatchObject({ status: 202 });
  return String(answer.body.id);
}

function sent(id: string): Promise<MessageItem> {
  return until(`${id} sent`, async () => {
    const { body, status } = await acme().get(`/messages/${id}`);
    const item = body as unknown as MessageItem;
    return status === 200 && /sent|delivered|read/.test(item.status) ? item : undefined;
  });
}

function called(path: RegExp, wanted: (body: Record<string, unknown>) => boolean) {
  return until(String(path), () =>
    world.evolution
      .calls()
      .find((call) => path.test(call.path) && wanted(call.body as Record<string, unknown>)),
  );
}
