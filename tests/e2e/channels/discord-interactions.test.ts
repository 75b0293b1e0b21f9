/** Discord over HTTP: commands, buttons, forms and events, and how a deferred gesture is answered. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { MessageItem } from "../../support/channels/api.ts";
import {
  applicationOf,
  discordCalls,
  discordConnection,
  openDiscord,
  postedTo,
  posts,
  publicKeyOf,
  seedOf,
} from "../../support/channels/discord.ts";
import {
  type ChannelWorld,
  ECHO,
  moment,
  startWorld,
  until,
} from "../../support/channels/world.ts";

const GESTURES = 1;
const PARTS = 2;
const LIFE = 3;
const DRIFT = 4;
const EVERY_FIVE_MINUTES = "*/5 * * * *";
let world: ChannelWorld;
const acme = () => world.api("acme");

beforeAll(async () => {
  world = await startWorld();
  await world.addTenant({
    id: "acme",
    connections: [
      discordConnection("gestures", GESTURES),
      discordConnection("parts", PARTS, {
        route: { kind: "webhook", url: `${world.urls.receiver}/parts` },
      }),
      discordConnection("drift", DRIFT),
    ],
  });
  openDiscord(world, "gestures", GESTURES);
  openDiscord(world, "parts", PARTS);
  openDiscord(world, "drift", DRIFT);
  world.discord.register({
    tenant: "life",
    applicationId: applicationOf(LIFE),
    botToken: `bot-token-${LIFE}`,
    seedHex: seedOf(LIFE),
  });
});
afterAll(() => world?.stop());

describe("gestures", () => {
  test("a slash command is deferred at once and its answer edits the original", async () => {
    const answer = await emit(GESTURES, {
      channel: "801",
      command: { name: "ask", options: [{ name: "question", type: 3, value: "how are you?" }] },
    });
    expect(JSON.parse(answer)).toMatchObject({ type: 5 });
    const edit = await originals(GESTURES, 1);
    expect(JSON.stringify(edit[0]?.body)).toContain("how are you?");
    expect(edit[0]?.headers.authorization).toBeUndefined();
    expect(posts(world, "801")).toEqual([]);
    const item = await found(({ kind }) => kind === "command");
    expect(item.content.metadata.command).toMatchObject({ name: "ask" });
  });

  test("no token of an interaction is shown or logged", async () => {
    const tokens = discordCalls(world, /^PATCH \/webhooks\//).map(({ path }) => path.split("/")[5]);
    const everything = JSON.stringify(await acme().history()) + world.logs.join("\n");
    expect(tokens.length).toBeGreaterThan(0);
    for (const token of tokens) expect(everything).not.toContain(token);
  });

  test("a click on a button leaves its message alone and is answered by a follow-up", async () => {
    const answer = await emit(GESTURES, {
      channel: "802",
      button: { custom_id: "yes", message_id: "900000000000000100" },
    });
    expect(JSON.parse(answer)).toMatchObject({ type: 6 });
    await until("a follow-up", () => discordCalls(world, followUpsOf(GESTURES))[0]);
    const click = await found(({ kind }) => kind === "interaction");
    expect(click).toMatchObject({ target_id: "900000000000000100" });
    expect(click.content.metadata.interaction).toMatchObject({ id: "yes" });
  });

  test("a form that is sent in is answered with what was written", async () => {
    const answer = await emit(GESTURES, {
      channel: "803",
      modal: { custom_id: "feedback", values: { comment: "all good" } },
    });
    expect(JSON.parse(answer)).toMatchObject({ type: 5 });
    const edits = await originals(GESTURES, 2);
    expect(JSON.stringify(edits.at(-1)?.body)).toContain("all good");
  });

  test("of several replies the first edits the original and the others follow it, in order", async () => {
    world.receiver.script([{ body: { parts: ["first", "second", "third"] } }]);
    await emit(PARTS, { channel: "804", command: "list" });
    const [edit] = await originals(PARTS, 1);
    expect(edit?.body).toMatchObject({ content: "first" });
    const texts = await until("the others", () => {
      const follow = discordCalls(world, followUpsOf(PARTS)).map(({ body }) => contentOf(body));
      return follow.length === 2 ? follow : undefined;
    });
    expect(texts).toEqual(["second", "third"]);
    expect(posts(world, "804")).toEqual([]);
  });

  test("an answer that overtakes our acknowledgement is tried again, not posted elsewhere", async () => {
    await emit(GESTURES, { channel: "805", command: saying("late"), lateMs: 400 });
    const edits = await until("the original edited", () => {
      const late = discordCalls(world, originalsOf(GESTURES)).filter(({ body }) =>
        JSON.stringify(body).includes("late"),
      );
      return late.length >= 2 ? late : undefined;
    });
    expect(edits.length).toBeLessThanOrEqual(3);
    await until("sent", async () =>
      (await acme().history("&direction=outbound")).find(
        ({ content, status }) => content.text.includes("late") && status === "sent",
      ),
    );
    expect(posts(world, "805")).toEqual([]);
  });

  test("an interaction that Discord never gets to know is answered in the channel", async () => {
    await emit(GESTURES, { channel: "806", command: saying("lost"), lateMs: 60_000 });
    const post = await until(
      "a post in the channel",
      () => posts(world, "806").find((one) => contentOf(one).includes("lost")),
      15_000,
    );
    expect(post).toMatchObject({ enforce_nonce: true });
  });
});

describe("the endpoint", () => {
  test("answers a ping and refuses a forged one", async () => {
    expect(JSON.parse(await emit(GESTURES, { ping: true }))).toEqual({ type: 1 });
    const { delivery } = await world.discord.emit({
      applicationId: applicationOf(GESTURES),
      ping: "forged",
      wait: true,
    });
    expect(delivery).toMatchObject({ status: 401 });
  });

  test("a Webhook Event's ping and an event are answered 204, and the end of the app is seen", async () => {
    const base = { applicationId: applicationOf(GESTURES), wait: true };
    const ping = await world.discord.emit({ ...base, event: {} });
    expect(ping.delivery).toMatchObject({ status: 204, answer: "" });
    const event = { type: "APPLICATION_DEAUTHORIZED", data: { user: { id: "5" } } };
    const done = await world.discord.emit({ ...base, event });
    expect(done.delivery).toMatchObject({ status: 204 });
  });
});

describe("an application's life", () => {
  test("is created with its endpoint set and verified by Discord", async () => {
    const created = await acme().post("/instances/create", {
      id: "life",
      channel: "discord",
      baseUrl: "simulator",
      route: ECHO,
      applicationId: applicationOf(LIFE),
      credentials: { publicKey: publicKeyOf(LIFE), botToken: `bot-token-${LIFE}` },
    });
    expect(created).toMatchObject({ status: 201, body: { state: "open" } });
    expect(String(created.body.continueUrl)).toContain(applicationOf(LIFE));
    expect((await acme().get("/instances/life")).body.state).toBe("open");
    await emit(LIFE, { channel: "807", command: "hello" });
    await originals(LIFE, 1);
  });

  test("a key that is not the application's is refused, and nothing stays", async () => {
    const wrong = await acme().post("/instances/create", {
      id: "wrong",
      channel: "discord",
      baseUrl: "simulator",
      applicationId: applicationOf(LIFE),
      credentials: { publicKey: publicKeyOf(99), botToken: `bot-token-${LIFE}` },
    });
    expect(wrong.status).toBe(422);
    expect((await acme().get("/instances/wrong")).status).toBe(404);
  });

  test("an endpoint that was changed by hand is set again by the scheduled job", async () => {
    const response = await fetch(`${world.urls.discord}/api/v10/applications/@me`, {
      method: "PATCH",
      headers: {
        authorization: `Bot bot-token-${DRIFT}`,
        "user-agent": "DiscordBot (test, 1)",
        "content-type": "application/json",
      },
      body: JSON.stringify({ interactions_endpoint_url: null }),
    });
    expect(response.status).toBe(200);
    expect((await acme().get("/instances/drift")).body.state).toBe("closed");
    await world.hub.triggerScheduled(EVERY_FIVE_MINUTES);
    expect((await acme().get("/instances/drift")).body.state).toBe("open");
    await emit(DRIFT, { channel: "808", command: "mended" });
    await originals(DRIFT, 1);
  });

  test("is deleted here and sends nothing any more", async () => {
    expect((await acme().delete("/instances/life")).status).toBe(204);
    expect((await acme().get("/instances/life")).status).toBe(404);
    await moment(50);
    const before = world.discord.deliveries().length;
    await world.discord.emit({ applicationId: applicationOf(LIFE), command: "gone", wait: true });
    expect(world.discord.deliveries()).toHaveLength(before);
  });
});

describe("direct sends", () => {
  test("a person without a channel gets one opened first", async () => {
    const answer = await acme().post("/messages/send", {
      connection: "gestures",
      to: "user:900000000000000055",
      text: "hello in private",
    });
    expect(answer.status).toBe(202);
    const opened = await until(
      "opened",
      () => discordCalls(world, /^POST \/users\/@me\/channels$/)[0],
    );
    expect(opened.body).toMatchObject({ recipient_id: "900000000000000055" });
    await until("posted", () =>
      discordCalls(world, /^POST \/channels\/\d+\/messages$/).find(({ body }) =>
        contentOf(body).includes("hello in private"),
      ),
    );
  });

  test("nobody is pinged, whatever an answer says", async () => {
    await acme().post("/messages/send", {
      connection: "gestures",
      to: "809",
      text: "@everyone <@5>",
    });
    const post = await until("posted", () => posts(world, "809")[0]);
    expect(post).toMatchObject({ allowed_mentions: { parse: [] } });
    await postedTo(world, "809", contentOf(post));
  });
});

/** What the hub answered. */
async function emit(n: number, what: Record<string, unknown>): Promise<string> {
  const given = { applicationId: applicationOf(n), wait: true, ...what };
  const { delivery } = await world.discord.emit(given);
  return String((delivery as { answer?: string } | undefined)?.answer);
}

/** A command with one option. */
function saying(value: string): Record<string, unknown> {
  return { name: "say", options: [{ name: "text", type: 3, value }] };
}

function originalsOf(n: number): RegExp {
  return new RegExp(`^PATCH /webhooks/${applicationOf(n)}/[^/]+/messages/@original$`);
}

function followUpsOf(n: number): RegExp {
  return new RegExp(`^POST /webhooks/${applicationOf(n)}/[^/]+$`);
}

function originals(n: number, count: number) {
  return until(`${count} originals edited`, () => {
    const calls = discordCalls(world, originalsOf(n));
    return calls.length >= count ? calls : undefined;
  });
}

function contentOf(body: unknown): string {
  return String((body as { content?: unknown }).content ?? "");
}

function found(wanted: (item: MessageItem) => boolean): Promise<MessageItem> {
  return until("stored message", async () =>
    (await acme().history("&direction=inbound")).find(wanted),
  );
}
