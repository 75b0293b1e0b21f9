import { describe, expect, it } from "vitest";
import { discordAdapter } from "../../../../channels/discord/adapter.ts";
import { nonceOf } from "../../../../channels/discord/nonce.ts";
import { mintId } from "../../../../domain/messaging/message-id.ts";
import type {
  OutboundContent,
  OutboundMessage,
  OutboundRequest,
  StepResponse,
} from "../../../../schema/outbound.ts";
import { APPLICATION, aConnection, NOW_MS } from "./support.ts";

const CHANNEL = "700000000000000200";
const TARGET = "1470000000000000010";
const API = "https://discord.com/api/v10";

function aMessage(content: OutboundContent, over: Partial<OutboundMessage> = {}): OutboundMessage {
  return {
    id: mintId("msg", NOW_MS, () => 0.3),
    conversationKey: CHANNEL,
    content,
    createdAtMs: NOW_MS,
    ...over,
  };
}

const text = (words: string): OutboundContent => ({ type: "text", text: words });

/** Runs a message to its end, answering every request; a map of steps changes an answer. */
function run(
  message: OutboundMessage,
  connection = aConnection(),
  answers: Readonly<Record<string, readonly [number, unknown]>> = {},
) {
  const requests: OutboundRequest[] = [];
  const responses: StepResponse[] = [];
  for (let n = 0; n < 100; n++) {
    const next = discordAdapter.next(message, connection, responses);
    if (next === "done") return { requests, end: "done" };
    if ("refused" in next) return { requests, end: next.refused };
    expect(discordAdapter.next(message, connection, responses)).toEqual(next);
    requests.push(next);
    const [status, body] = answers[next.step] ?? [200, { id: String(9000 + n) }];
    const result = discordAdapter.readResponse(next, status, new Headers(), JSON.stringify(body));
    if (result.outcome !== "delivered") return { requests, end: result.outcome };
    responses.push({ step: next.step, ...result });
  }
  throw new Error("never done");
}

function jsonOf(request: OutboundRequest | undefined): Record<string, unknown> {
  if (request?.body.as === "json") return request.body.json as Record<string, unknown>;
  if (request?.body.as !== "multipart") throw new Error("no JSON");
  return JSON.parse(request.body.parts[0]?.value ?? "");
}

describe("a text", () => {
  it("is posted with a nonce, without pinging anybody", () => {
    const message = aMessage(text("**hi** @everyone"), { replyTo: TARGET });
    const { requests, end } = run(message);
    expect(end).toBe("done");
    expect(requests).toHaveLength(1);
    expect(requests[0]).toMatchObject({
      step: "part:0",
      method: "POST",
      url: `${API}/channels/${CHANNEL}/messages`,
      idempotent: true,
      headers: {
        authorization: "Bot bot-token",
        "user-agent": "DiscordBot (https://omni-edge.dev, 0.1.0)",
      },
    });
    expect(jsonOf(requests[0])).toMatchObject({
      allowed_mentions: { parse: [] },
      enforce_nonce: true,
      nonce: nonceOf(message.id, 0),
      message_reference: { message_id: TARGET, fail_if_not_exists: false },
    });
  });

  it("longer than 2000 characters is sent in parts, only the first one a reply", () => {
    const long = Array.from({ length: 900 }, (_, i) => `word${i}`).join(" ");
    const { requests } = run(aMessage(text(long), { replyTo: TARGET }));
    expect(requests.length).toBeGreaterThan(2);
    const bodies = requests.map(jsonOf);
    for (const { content } of bodies) expect(String(content).length).toBeLessThanOrEqual(2000);
    const words = bodies.flatMap(({ content }) => String(content).split(/\s+/));
    expect(words).toEqual(long.split(" "));
    expect(bodies.map((body) => "message_reference" in body)).toEqual([
      true,
      ...bodies.slice(1).map(() => false),
    ]);
    expect(new Set(bodies.map(({ nonce }) => nonce)).size).toBe(bodies.length);
  });

  it("goes to the thread, or to a person through a direct channel", () => {
    const inThread = run(aMessage(text("x"), { thread: "55" })).requests[0];
    expect(inThread?.url).toBe(`${API}/channels/55/messages`);
    const { requests } = run(aMessage(text("x"), { conversationKey: "user:77" }), aConnection(), {
      open_dm: [200, { id: "88" }],
    });
    expect(requests.map(({ url }) => url)).toEqual([
      `${API}/users/@me/channels`,
      `${API}/channels/88/messages`,
    ]);
    expect(jsonOf(requests[0])).toEqual({ recipient_id: "77" });
  });

  it("goes to the connection's own origin", () => {
    const connection = aConnection({ baseUrl: "http://127.0.0.1:9000/" });
    expect(run(aMessage(text("x")), connection).requests[0]?.url).toBe(
      `http://127.0.0.1:9000/api/v10/channels/${CHANNEL}/messages`,
    );
  });

  it.each([
    ["empty_text", aMessage(text("  ")), aConnection()],
    ["bad_conversation_key", aMessage(text("x"), { conversationKey: "1/../2" }), aConnection()],
    ["bad_conversation_key", aMessage(text("x"), { conversationKey: "user:@me" }), aConnection()],
    ["bad_conversation_key", aMessage(text("x"), { thread: "../1" }), aConnection()],
    ["no_bot_token", aMessage(text("x")), aConnection({ credentials: { publicKey: "" } })],
  ])("is refused as %s", (reason, message, connection) => {
    expect(run(message, connection)).toEqual({ requests: [], end: reason });
  });
});

describe("an answer to an interaction", () => {
  const responder = {
    via: "discord_interaction",
    applicationId: APPLICATION,
    token: "tok/en",
    expiresAtMs: NOW_MS + 1,
  } as const;
  const long = `${"a".repeat(1500)}\n\n${"b".repeat(1500)}`;
  const hook = `${API}/webhooks/${APPLICATION}/tok%2Fen`;

  it("fills the deferred message first and follows up with the rest, without a bot token", () => {
    const connection = aConnection({ credentials: { publicKey: "" } });
    const { requests, end } = run(aMessage(text(long), { responder }), connection);
    expect(end).toBe("done");
    expect(requests.map(({ method, url, idempotent }) => [method, url, idempotent])).toEqual([
      ["PATCH", `${hook}/messages/@original`, true],
      ["POST", hook, false],
    ]);
    expect(requests.every(({ headers }) => !("authorization" in headers))).toBe(true);
    expect(requests.map((request) => "nonce" in jsonOf(request))).toEqual([false, false]);
  });

  it("to a clicked component never edits the clicked message", () => {
    const message = aMessage(text(long), { responder: { ...responder, followUp: true } });
    expect(run(message).requests.map(({ method, url }) => [method, url])).toEqual([
      ["POST", hook],
      ["POST", hook],
    ]);
  });

  it("goes to the channel from the part on at which the token was found expired", () => {
    const message = aMessage(text(long), { responder });
    const { requests, end } = run(message, aConnection(), {
      "follow_up:1": [401, { code: 50027, message: "Invalid Webhook Token" }],
    });
    expect(end).toBe("done");
    expect(requests.map(({ step }) => step)).toEqual(["original:0", "follow_up:1", "part:1"]);
    const all = run(message, aConnection(), { "original:0": [404, { code: 10062 }] });
    expect(all.requests.map(({ step }) => step)).toEqual(["original:0", "part:0", "part:1"]);
  });
});

describe("media", () => {
  const image = (n: number, over = {}) => ({
    kind: "image" as const,
    source: { from: "stored" as const, key: `k${n}` },
    file_name: `p${n}.png`,
    mime_type: "image/png",
    size_bytes: 1000,
    ...over,
  });

  it("is one multipart message with its caption", () => {
    const message = aMessage({ type: "media", media: [image(0), image(1)], text: "both" });
    const { requests } = run(message);
    expect(requests).toHaveLength(1);
    expect(requests[0]?.timeoutMs).toBe(60_000);
    expect(jsonOf(requests[0])).toMatchObject({
      content: "both",
      attachments: [
        { id: 0, filename: "p0.png" },
        { id: 1, filename: "p1.png" },
      ],
      nonce: nonceOf(message.id, 0),
      enforce_nonce: true,
    });
    const parts = requests[0]?.body.as === "multipart" ? requests[0].body.parts : [];
    expect(parts.map(({ name }) => name)).toEqual(["payload_json", "files[0]", "files[1]"]);
    expect(parts[1]).toMatchObject({
      fileName: "p0.png",
      contentType: "image/png",
      media: image(0),
    });
  });

  it("is spread over messages of 25 MiB, and refused above 10 MiB a file", () => {
    const big = { size_bytes: 9_000_000 };
    const media = [image(0, big), image(1, big), image(2, big)];
    const { requests } = run(aMessage({ type: "media", media }));
    expect(
      requests.map(({ body }) => (body.as === "multipart" ? body.parts.length - 1 : 0)),
    ).toEqual([2, 1]);
    const huge = [image(0, { size_bytes: 11_000_000 })];
    expect(run(aMessage({ type: "media", media: huge })).end).toBe("media_too_large");
  });

  it("without known sizes still goes ten to a message", () => {
    const media = Array.from({ length: 10 }, (_, n) => image(n, { size_bytes: undefined }));
    expect(run(aMessage({ type: "media", media })).requests).toHaveLength(1);
  });
});

describe("gestures", () => {
  it.each<[OutboundContent, string, string]>([
    [{ type: "reaction", target: TARGET, emoji: "👍" }, "PUT", "/reactions/%F0%9F%91%8D/@me"],
    [{ type: "reaction", target: TARGET, emoji: "<:ok:500>" }, "PUT", "/reactions/ok%3A500/@me"],
    [
      { type: "reaction", target: TARGET, emoji: "ok:5", remove: true },
      "DELETE",
      "/reactions/ok%3A5/@me",
    ],
    [{ type: "reaction", target: TARGET, emoji: "../x" }, "PUT", "/reactions/..%2Fx/@me"],
    [{ type: "delete", target: TARGET }, "DELETE", ""],
    [{ type: "edit", target: TARGET, text: "new" }, "PATCH", ""],
  ])("%j is %s %s", (content, method, tail) => {
    const { requests } = run(aMessage(content));
    expect(requests.map((request) => [request.method, request.url, request.idempotent])).toEqual([
      [method, `${API}/channels/${CHANNEL}/messages/${TARGET}${tail}`, true],
    ]);
  });

  it("typing is one call", () => {
    const { requests } = run(aMessage({ type: "typing" }));
    expect(requests.map(({ method, url }) => [method, url])).toEqual([
      ["POST", `${API}/channels/${CHANNEL}/typing`],
    ]);
  });

  it("an edit that grew too long goes on in new messages", () => {
    const grown = `${"a".repeat(1500)}\n\n${"b".repeat(1500)}`;
    const { requests } = run(aMessage({ type: "edit", target: TARGET, text: grown }));
    expect(requests.map(({ step }) => step)).toEqual(["edit", "part:1"]);
  });

  it("targets that are no message ids are refused", () => {
    expect(run(aMessage({ type: "delete", target: "1/../../2" })).end).toBe("bad_target");
    expect(run(aMessage({ type: "edit", target: "", text: "x" })).end).toBe("bad_target");
  });
});

describe("a card", () => {
  it("has rows of five buttons; one with a URL is a link", () => {
    const buttons = Array.from({ length: 7 }, (_, n) => ({ id: `b${n}`, label: `B${n}` }));
    const content: OutboundContent = {
      type: "card",
      text: "choose",
      buttons: [...buttons, { id: "x", label: "Site", url: "https://example.com/" }],
    };
    const { components } = jsonOf(run(aMessage(content)).requests[0]);
    const rows = components as { components: unknown[] }[];
    expect(rows.map((row) => row.components.length)).toEqual([5, 3]);
    expect(rows[0]?.components[0]).toEqual({ type: 2, style: 1, label: "B0", custom_id: "b0" });
    expect(rows[1]?.components[2]).toEqual({
      type: 2,
      style: 5,
      label: "Site",
      url: "https://example.com/",
    });
  });

  it("shows its buttons under the last part", () => {
    const card: OutboundContent = {
      type: "card",
      text: `${"a".repeat(1500)}\n\n${"b".repeat(1500)}`,
      buttons: [{ id: "a", label: "A" }],
    };
    expect(run(aMessage(card)).requests.map((r) => "components" in jsonOf(r))).toEqual([
      false,
      true,
    ]);
  });

  it("opens nothing but web pages", () => {
    const buttons = [{ id: "a", label: "A", url: "javascript:alert(1)" }];
    expect(run(aMessage({ type: "card", text: "x", buttons })).end).toBe("bad_button_url");
  });
});
