import { describe, expect, it } from "vitest";
import { discordAdapter } from "../../../../channels/discord/adapter.ts";
import {
  APPLICATION,
  aConnection,
  aWebhook,
  fixture,
  NOW_MS,
  parse,
  read,
  readOne,
} from "./support.ts";

const body = (name: string): Record<string, unknown> => JSON.parse(fixture(name));

describe("an interaction", () => {
  it("answers the PING with a PONG, the bare one too", () => {
    for (const ping of [fixture("interaction-ping"), '{"type":1}']) {
      const { ack, messages } = read(ping);
      expect(ack).toEqual({ status: 200, contentType: "application/json", body: '{"type":1}' });
      expect(messages).toEqual([]);
    }
  });

  it("reads a command with its sub-command and options, and defers the answer", () => {
    const { ack, messages } = read(fixture("interaction-command"));
    expect(ack.body).toBe('{"type":5}');
    expect(messages[0]).toMatchObject({
      kind: "command",
      origin: "contact",
      eventKey: "1470000000000000002",
      platformId: "1470000000000000002",
      conversationKey: "700000000000000200",
      group: true,
      sender: { id: "700000000000000900", name: "Ana S.", aliases: ["ana.souza"] },
      content: {
        text: "number: 42\nurgent: true",
        metadata: { command: { name: "order status", text: "number: 42\nurgent: true" } },
      },
      responder: {
        via: "discord_interaction",
        applicationId: APPLICATION,
        token: "token-for-1470000000000000002",
        expiresAtMs: NOW_MS + 900_000,
      },
    });
    expect(messages[0]?.responder).not.toHaveProperty("followUp");
    expect(messages[0]?.timestampMs).toBe(Number(1470000000000000002n >> 22n) + 1420070400000);
  });

  it("takes a command in a direct channel as no group, from `user`", () => {
    const message = readOne(fixture("interaction-dm"));
    expect(message).toMatchObject({
      group: false,
      sender: { id: "700000000000000900", name: "Ana" },
    });
    expect(message.content.text).toBe("");
  });

  it("turns file options into media and not into text", () => {
    const { content } = readOne(fixture("interaction-command-file"));
    expect(content.text).toBe("");
    expect(content.media).toEqual([
      {
        kind: "document",
        source: {
          from: "url",
          url: "https://cdn.discordapp.com/ephemeral-attachments/1/2/receipt.pdf?ex=1&is=2&hm=3",
        },
        mime_type: "application/pdf",
        file_name: "receipt.pdf",
        size_bytes: 1200,
      },
    ]);
  });

  it("reads a command on a message with that message's text", () => {
    const message = readOne(fixture("interaction-message-command"));
    expect(message).toMatchObject({ targetId: "1469999999999999990" });
    expect(message.content.text).toBe("guten Tag");
  });

  it("reads a click with the button's label, deferred as an update and answered by follow-ups", () => {
    const { ack, messages } = read(fixture("interaction-button"));
    expect(ack.body).toBe('{"type":6}');
    expect(messages[0]).toMatchObject({
      kind: "interaction",
      targetId: "1469999999999999991",
      content: {
        text: "Approve",
        metadata: {
          interaction: { type: "button", id: "approve:7", action: "click", values: [] },
        },
      },
      responder: { followUp: true },
    });
  });

  it("reads a selection and a modal", () => {
    const select = readOne(fixture("interaction-select"));
    expect(select.content.text).toBe("m, l");
    expect(select.content.metadata).toMatchObject({
      interaction: { type: "string_select", action: "select", values: ["m", "l"] },
    });
    const { ack, messages } = read(fixture("interaction-modal"));
    expect(ack.body).toBe('{"type":5}');
    expect(messages[0]?.content).toMatchObject({
      text: "Great\nFast answers",
      metadata: {
        interaction: {
          type: "modal",
          id: "feedback",
          fields: [
            { id: "title", value: "Great" },
            { id: "details", value: "Fast answers" },
          ],
        },
      },
    });
  });

  it("answers autocomplete with no choices and acts upon nothing", () => {
    const { ack, messages, ignored } = read(fixture("interaction-autocomplete"));
    expect(ack.body).toBe('{"type":8,"data":{"choices":[]}}');
    expect(messages).toEqual([]);
    expect(ignored).toEqual([{ type: "autocomplete" }]);
  });

  it("ignores a type it does not know", () => {
    const { ignored } = read({ ...body("interaction-command"), type: 99 });
    expect(ignored).toEqual([{ type: "interaction_99" }]);
  });

  it.each(["data", "id", "token", "application_id", "channel_id"])(
    "quarantines a command without %s",
    (key) => {
      const { [key]: _gone, channel: _channel, ...rest } = body("interaction-command");
      const result = parse(rest);
      expect(result.ok ? "" : result.failure.reason).toBe("wrong_shape");
    },
  );

  it("quarantines a command nobody sent", () => {
    const { member: _member, ...rest } = body("interaction-command");
    const result = parse(rest);
    expect(result.ok ? "" : result.failure).toEqual({
      reason: "wrong_shape",
      detail: "interaction.user: missing",
    });
  });

  it("belongs to one application only, the PING too", () => {
    for (const name of ["interaction-command", "interaction-ping", "webhook-event-ping"]) {
      const result = parse({ ...body(name), application_id: "1" });
      expect(result.ok ? "" : result.failure.reason).toBe("wrong_connection");
    }
  });

  it("keeps the names of maps out of failures", () => {
    const data = {
      name: "x",
      resolved: { attachments: { "ana@example.com": { url: 5 } } },
    };
    const result = parse({ ...body("interaction-command"), data });
    expect(result.ok ? "" : result.failure.detail).not.toContain("ana");
  });

  it("is not polluted by prototype keys", () => {
    const text = fixture("interaction-command").replace(
      '"data": {',
      '"__proto__": {"polluted": 1}, "data": {"__proto__": {"polluted": 1},',
    );
    expect(readOne(text).kind).toBe("command");
    expect(({} as { polluted?: number }).polluted).toBeUndefined();
  });
});

describe("a Webhook Event", () => {
  it("is told from an interaction by its shape and answered 204 without a body", () => {
    const { ack, ignored } = read(fixture("webhook-event-ping"));
    expect([ack, ignored]).toEqual([{ status: 204 }, []]);
    const event = read(fixture("webhook-event-authorized"));
    expect([event.ack, event.ignored]).toEqual([
      { status: 204 },
      [{ type: "APPLICATION_AUTHORIZED" }],
    ]);
  });

  it("does not close the connection when one person takes the application off their account", () => {
    const { connection, ignored } = read(fixture("webhook-event-deauthorized"));
    expect(connection).toBeUndefined();
    expect(ignored).toEqual([{ type: "APPLICATION_DEAUTHORIZED" }]);
  });

  it("is quarantined without its event", () => {
    const result = parse({ version: 1, application_id: APPLICATION, type: 1 });
    expect(result.ok ? "" : result.failure.reason).toBe("wrong_shape");
  });
});

describe("a body", () => {
  it.each(["null", "[]", "5", '"x"', "{}", '{"type":"1"}'])("of %s is quarantined", (text) => {
    const result = parse(text);
    expect(result.ok ? "" : result.failure.reason).toBe("wrong_shape");
  });

  it("that is no JSON, or nests too deep, is quarantined", () => {
    expect(parse("{").ok).toBe(false);
    const deep = parse(`${"[".repeat(5000)}${"]".repeat(5000)}`);
    expect(deep.ok ? "" : deep.failure.reason).toBe("too_deep");
  });

  it("names its application only where that is a usable hint", () => {
    const locate = (text: string) => discordAdapter.locate(aWebhook(text));
    expect(locate(fixture("interaction-command"))).toEqual({ addresses: [APPLICATION] });
    for (const text of [
      "",
      "{",
      "null",
      "[]",
      '{"application_id":5}',
      '{"application_id":"a b"}',
    ]) {
      expect(locate(text)).toBeUndefined();
    }
    expect(locate(`{"application_id":"${"1".repeat(33)}"}`)).toBeUndefined();
  });

  it("of the REST API is no webhook", () => {
    for (const name of ["rest-rate-limited", "rest-invalid-form"]) {
      expect(read(fixture(name)).ignored).toEqual([{ type: "not_a_webhook" }]);
    }
    expect(aConnection().channel).toBe("discord");
  });
});
