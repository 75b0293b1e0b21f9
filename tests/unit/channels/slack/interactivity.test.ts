/** Slash commands and interactive payloads. */
import { describe, expect, it } from "vitest";
import {
  CONNECTION,
  fixture,
  formWebhook,
  messageOf,
  NOW_MS,
  parse,
  payloadWebhook,
  readingOf,
} from "./webhooks.ts";

const THIRTY_MINUTES_MS = 1_800_000;
const command = (more: Record<string, string> = {}) =>
  formWebhook({ ...(fixture("slash-command") as Record<string, string>), ...more });
const payload = (name: string, more: Record<string, unknown> = {}) =>
  payloadWebhook({ ...fixture(name), ...more });

describe("slash commands", () => {
  it("reads a command with its way to answer", () => {
    expect(messageOf(command())).toEqual({
      kind: "command",
      origin: "contact",
      eventKey: "T0ACME:command:1.2.abc",
      conversationKey: "T0ACME:C0GENERAL",
      platformId: "1.2.abc",
      sender: { id: "U0ANA", aliases: ["ana"], name: "ana" },
      group: true,
      content: {
        text: "status 7 & 8",
        media: [],
        metadata: { command: { name: "/order", text: "status 7 & 8" } },
      },
      mentions: [],
      responder: {
        via: "slack_response_url",
        url: "https://hooks.slack.com/commands/T0ACME/1/secret",
        expiresAtMs: NOW_MS + THIRTY_MINUTES_MS,
      },
    });
  });

  it("acknowledges with an empty 200", () => {
    expect(readingOf(command()).ack).toEqual({ status: 200 });
  });

  it("takes the command's name as text where it has no arguments", () => {
    expect(messageOf(command({ text: "" })).content).toMatchObject({
      text: "/order",
      metadata: { command: { name: "/order", text: "" } },
    });
  });

  it.each([
    "http://hooks.slack.com/x",
    "https://hooks.slack.com.evil.test/x",
    "https://a:b@hooks.slack.com/x",
    "https://169.254.169.254/",
    "not a url",
    "",
  ])("does not keep the response_url %s", (response_url) => {
    expect(messageOf(command({ response_url })).responder).toBeUndefined();
  });

  it("believes a response_url of the connection's own base", () => {
    const connection = { ...CONNECTION, baseUrl: "http://127.0.0.1:7001/" };
    const own = command({ response_url: "http://127.0.0.1:7001/respond/1" });
    expect(messageOf(own, connection).responder).toBeDefined();
  });

  it.each(["user_id", "channel_id", "trigger_id"])("quarantines a command without %s", (name) => {
    expect(parse(command({ [name]: "" }))).toMatchObject({ failure: { reason: "wrong_shape" } });
  });

  it("bounds its key", () => {
    expect(parse(command({ trigger_id: "1".repeat(600) }))).toMatchObject({
      failure: { reason: "key_too_long" },
    });
  });

  it("answers the certificate probe and nothing else", () => {
    expect(readingOf(formWebhook({ token: "x", ssl_check: "1" }))).toEqual({
      ack: { status: 200 },
      messages: [],
      statuses: [],
      ignored: [],
    });
  });

  it("quarantines a form that is none of Slack's", () => {
    expect(parse(formWebhook({ hello: "world" }))).toMatchObject({
      failure: { reason: "wrong_shape" },
    });
    expect(parse(formWebhook({ payload: "{" }))).toMatchObject({
      failure: { reason: "invalid_json" },
    });
  });
});

describe("interactions", () => {
  it("reads a click in a thread", () => {
    expect(messageOf(payload("block-actions"))).toEqual({
      kind: "interaction",
      origin: "contact",
      eventKey: "T0ACME:block_actions:3.4.def",
      conversationKey: "T0ACME:C0GENERAL:1763700000.000100",
      thread: "1763700000.000100",
      platformId: "1763700080.001200",
      targetId: "1763700060.001000",
      sender: { id: "U0ANA", aliases: ["ana"], name: "ana" },
      group: true,
      content: {
        text: "Approve",
        media: [],
        metadata: {
          interaction: {
            type: "block_actions",
            id: "approve",
            action: "click",
            action_id: "approve",
            block_id: "buttons",
            value: "order-7",
            values: ["order-7"],
          },
        },
      },
      mentions: [],
      timestampMs: 1763700080001,
      responder: {
        via: "slack_response_url",
        url: "https://hooks.slack.com/actions/T0ACME/2/secret",
        expiresAtMs: NOW_MS + THIRTY_MINUTES_MS,
      },
    });
  });

  it("reads every kind of choice", () => {
    const chosen = (action: Record<string, unknown>) => {
      const { content } = messageOf(
        payload("block-actions", { actions: [{ action_id: "a", type: "x", ...action }] }),
      );
      return (content.metadata.interaction as { value?: unknown }).value;
    };
    expect(chosen({ selected_option: { value: "one" } })).toBe("one");
    expect(chosen({ selected_options: [{ value: "one" }, { value: "two" }] })).toEqual([
      "one",
      "two",
    ]);
    expect(chosen({ selected_date: "2026-11-21" })).toBe("2026-11-21");
    expect(chosen({ selected_date_time: 1763700000 })).toBe("1763700000");
    expect(chosen({ selected_conversations: ["C0X"] })).toEqual(["C0X"]);
    expect(chosen({})).toBeUndefined();
  });

  it("gives each of several actions its own key", () => {
    const actions = [
      { action_id: "a", value: "1" },
      { action_id: "b", value: "2" },
    ];
    const keys = readingOf(payload("block-actions", { actions })).messages.map((m) => m.eventKey);
    expect(keys).toEqual(["T0ACME:block_actions:3.4.def", "T0ACME:block_actions:3.4.def:1"]);
  });

  it("flattens a submitted form and files it under the person", () => {
    const form = messageOf(payload("view-submission"));
    expect(form.conversationKey).toBe("T0ACME:U0ANA");
    expect(form.group).toBe(false);
    expect(form.content.text).toBe("too late\nfull\nU0ANA\nU0BEN");
    expect(form.content.metadata.interaction).toEqual({
      type: "view_submission",
      id: "refund",
      action: "submit",
      callback_id: "refund",
      values: ["too late", "full", "U0ANA", "U0BEN"],
      fields: [
        { block_id: "reason", action_id: "text", value: "too late" },
        { block_id: "kind", action_id: "choice", value: "full" },
        { block_id: "people", action_id: "who", value: ["U0ANA", "U0BEN"] },
      ],
    });
  });

  it("files a form under the channel it may answer in", () => {
    const response_urls = [{ channel_id: "C0GENERAL", response_url: "https://hooks.slack.com/x" }];
    const form = messageOf(payload("view-submission", { response_urls }));
    expect(form.conversationKey).toBe("T0ACME:C0GENERAL");
    expect(form.responder).toBeDefined();
  });

  it("is not moved by hostile names in a form", () => {
    const raw = JSON.stringify(fixture("view-submission")).replaceAll('"reason"', '"__proto__"');
    const form = messageOf(formWebhook({ payload: raw }));
    expect(JSON.stringify(form)).toContain('"block_id":"__proto__"');
    expect(Object.getPrototypeOf({})).toBe(Object.prototype);
  });

  it("reads a message shortcut with the text it was used on", () => {
    expect(messageOf(payload("message-shortcut"))).toMatchObject({
      kind: "interaction",
      targetId: "1763700010.000300",
      conversationKey: "T0ACME:C0GENERAL:1763700000.000100",
      content: {
        text: "",
        metadata: {
          interaction: { type: "message_action", id: "summarise", message_text: "me @hub too" },
        },
      },
    });
  });

  it("reads a global shortcut and a legacy dialog", () => {
    const shortcut = payload("message-shortcut", {
      type: "shortcut",
      channel: undefined,
      message: undefined,
      message_ts: undefined,
    });
    expect(messageOf(shortcut).conversationKey).toBe("T0ACME:U0ANA");
    const dialog = payload("message-shortcut", {
      type: "dialog_submission",
      submission: { reason: "late", none: null },
    });
    expect(messageOf(dialog).content.metadata.interaction).toMatchObject({ values: ["late"] });
  });

  it.each(["block_suggestion", "dialog_suggestion"])("answers %s with no options", (type) => {
    expect(readingOf(payload("block-actions", { type }))).toMatchObject({
      ack: { status: 200, contentType: "application/json", body: '{"options":[]}' },
      messages: [],
      ignored: [{ type }],
    });
  });

  it.each(["view_closed", "dialog_cancellation", "workflow_step_edit"])("ignores %s", (type) => {
    const reading = readingOf(payload("block-actions", { type }));
    expect(reading).toMatchObject({ ack: { status: 200 }, messages: [], ignored: [{ type }] });
  });

  it("quarantines an interaction without a person, a trigger or an action", () => {
    for (const more of [{ user: {} }, { trigger_id: undefined }, { actions: [] }]) {
      expect(parse(payload("block-actions", more))).toMatchObject({
        failure: { reason: "wrong_shape" },
      });
    }
  });

  it("keeps no token, view or state of the payload", () => {
    const kept = JSON.stringify([
      readingOf(payload("view-submission")),
      readingOf(payload("block-actions")),
    ]);
    expect(kept).not.toContain("never-kept");
    expect(kept).not.toContain("private_metadata");
  });
});
