/**
 * Every Slack payload of the shared fixtures folder, with its expected outcome by hand. The folder is
 * no part of this repository: without it the cases are reported as skipped.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { slackAdapter } from "../../../../channels/slack/adapter.ts";
import { readInstallation } from "../../../../channels/slack/oauth.ts";
import type { ParsedMessage } from "../../../../schema/parsed.ts";
import {
  CONNECTION,
  formWebhook,
  jsonWebhook,
  NOW_MS,
  payloadWebhook,
  readingOf,
} from "./webhooks.ts";

const FOLDER = `${import.meta.dirname}/../../../../../shared/fixtures/slack`;
const PRESENT = existsSync(FOLDER);
const TITLE = PRESENT ? "shared fixtures" : "shared fixtures (skipped: ../shared is absent)";

type Form = "json" | "payload" | "command";
interface Expected {
  readonly as?: Form;
  readonly team?: string;
  readonly more?: Record<string, string>;
  readonly message?: Partial<ParsedMessage> & { readonly text?: string };
  readonly ignored?: string;
  readonly revoked?: boolean;
  readonly ack?: string;
}

const T1 = "T04BFEB799E";
const GRID = "T07B004F7DB";
const THREADED = "T09C1AD87CC7";
const EPHEMERAL = "T0337DEA28C";

const EXPECTED: Readonly<Record<string, Expected>> = {
  app_mention: { message: mention("1595926230.009600", "@W111 Hi there!") },
  app_mention_enterprise_install: { message: mention("1595926230.009600", "@W111 Hi there!") },
  app_mention_grid: {
    team: GRID,
    message: {
      eventKey: `${GRID}:C07EBA4B42F:1770676954.663639`,
      mentions: [{ kind: "bot", id: "U03BFEB3A07" }],
      text: "@U03BFEB3A07 testing",
    },
  },
  app_uninstalled: { revoked: true },
  attachment_action_legacy: {
    as: "payload",
    message: {
      kind: "interaction",
      conversationKey: "T111:C222",
      targetId: "1520965348.000538",
      text: "C111",
    },
  },
  block_actions: {
    as: "payload",
    message: {
      kind: "interaction",
      conversationKey: "T111:C111",
      targetId: "111.222",
      text: "Button",
    },
  },
  block_actions_button_in_thread: {
    as: "payload",
    team: THREADED,
    message: {
      kind: "interaction",
      conversationKey: `${THREADED}:C0258FB73BD4:1775407823.782829`,
      targetId: "1775407827.773439",
      text: "Option A",
    },
  },
  block_actions_ephemeral: {
    as: "payload",
    team: EPHEMERAL,
    message: {
      kind: "interaction",
      conversationKey: `${EPHEMERAL}:C06818BC5CFB:1771126602.612659`,
      text: "Open Modal",
    },
  },
  block_actions_static_select: {
    as: "payload",
    team: T1,
    message: {
      kind: "interaction",
      conversationKey: `${T1}:C0F216D54FFC:1767326125.870439`,
      text: "Say Hello",
    },
  },
  block_suggestion: { as: "payload", ignored: "block_suggestion", ack: '{"options":[]}' },
  function_executed: { ignored: "function_executed" },
  member_joined_channel: { ignored: "member_joined_channel" },
  member_left_channel: { ignored: "member_left_channel" },
  message_bot_classic_subtype: { ignored: "bot_message" },
  message_bot_new_style: { ignored: "own_echo" },
  message_bot_response_url_other_app: { ignored: "bot_message" },
  message_deleted: {
    message: {
      kind: "delete",
      eventKey: "T111:C111:1665368619.804829:delete",
      targetId: "1665368619.804829",
    },
  },
  message_file_share: { message: { eventKey: "T111:C111:1652227646.593159", text: "Hi there!" } },
  message_im: {
    team: "T0546DD55BF",
    message: { conversationKey: "T0546DD55BF:D0CEF568D4A", group: false, text: "hello hello" },
  },
  message_org_workspace: {
    message: { mentions: [{ kind: "bot", id: "W222" }], text: "@W222", group: true },
  },
  message_own_bot_in_thread: { team: THREADED, ignored: "own_echo" },
  message_plain: {
    message: {
      kind: "message",
      eventKey: "T111:C111:1596183880.004200",
      conversationKey: "T111:C111",
      sender: { id: "W111", aliases: [] },
      timestampMs: 1596183880004,
      text: "Hello World!",
    },
  },
  message_thread_reply: {
    team: T1,
    message: {
      conversationKey: `${T1}:C0F216D54FFC:1767406613.568609`,
      thread: "1767406613.568609",
      text: "Who are you?",
    },
  },
  message_user_vs_bot_user: {
    message: {
      sender: { id: "W111", aliases: [] },
      text: "Hi there! Thanks for sharing the info!",
    },
  },
  reaction_added: {
    message: {
      kind: "reaction",
      eventKey: "Ev111",
      conversationKey: "T111:C111",
      targetId: "1599529504.000400",
    },
  },
  reaction_added_by_self: { more: { botUserId: "W0F14F286" }, ignored: "own_echo" },
  response_error_http200: { ignored: "not_a_webhook" },
  response_oauth_v2_access_rotating: { ignored: "not_a_webhook" },
  response_post_message_ok: { ignored: "not_a_webhook" },
  shortcut_global: {
    as: "payload",
    message: { kind: "interaction", conversationKey: "T111:W111" },
  },
  shortcut_message: {
    as: "payload",
    message: { kind: "interaction", conversationKey: "T111:C111", targetId: "1583636382.000300" },
  },
  slash_command: {
    as: "command",
    message: { kind: "command", conversationKey: "T111:C111", text: "Hi" },
  },
  slash_command_with_args: {
    as: "command",
    team: EPHEMERAL,
    message: { kind: "command", text: "some arguments here" },
  },
  team_access_granted_org: { ignored: "team_access_granted" },
  tokens_revoked: { revoked: true },
  url_verification: { ack: "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P" },
  view_closed: { as: "payload", ignored: "view_closed" },
  view_submission: {
    as: "payload",
    message: { kind: "interaction", conversationKey: "T111:W111", text: "test" },
  },
};

function mention(ts: string, text: string): Expected["message"] {
  return {
    kind: "message",
    eventKey: `T111:C111:${ts}`,
    sender: { id: "W222", aliases: [] },
    text,
  };
}

function connectionOf(expected: Expected) {
  return {
    ...CONNECTION,
    teamId: expected.team ?? "T111",
    appId: undefined,
    botUserId: expected.more?.botUserId,
    botId: undefined,
  };
}

function load(name: string): Record<string, unknown> {
  return JSON.parse(readFileSync(`${FOLDER}/${name}.json`, "utf8"));
}

function webhookOf(value: Record<string, unknown>, form: Form) {
  switch (form) {
    case "json":
      return jsonWebhook(value);
    case "payload":
      return payloadWebhook(value);
    case "command":
      return formWebhook(value as Record<string, string>);
  }
}

describe.skipIf(!PRESENT)(TITLE, () => {
  it("are all in the table", () => {
    const names = readdirSync(FOLDER).flatMap((file) => file.match(/^(.+)\.json$/)?.[1] ?? []);
    expect(names.sort()).toEqual(Object.keys(EXPECTED).sort());
  });

  it.each(Object.entries(EXPECTED))("%s", (name, expected) => {
    const value = load(name);
    const raw = webhookOf(value, expected.as ?? "json");
    const reading = readingOf(raw, connectionOf(expected));
    const { text, ...message } = expected.message ?? {};
    expect(reading.messages).toHaveLength(expected.message === undefined ? 0 : 1);
    if (expected.message !== undefined) {
      expect(reading.messages[0]).toMatchObject(message);
      expect(reading.messages[0]?.content.text).toBe(text ?? "");
    }
    expect(reading.ignored.map(({ type }) => type)).toEqual(
      expected.ignored ? [expected.ignored] : [],
    );
    expect(reading.connection?.state).toBe(expected.revoked ? "revoked" : undefined);
    expect(reading.ack.body).toBe(expected.ack);
    expect(JSON.stringify(reading)).not.toContain("verification-token-placeholder");
  });

  it("hold answers that the Web API's readers understand", () => {
    const post = {
      step: "part:0",
      method: "POST",
      url: "",
      headers: {},
      body: { as: "none" },
      timeoutMs: 1,
      idempotent: false,
    } as const;
    const answer = (name: string) =>
      slackAdapter.readResponse(post, 200, new Headers(), JSON.stringify(load(name)));
    expect(answer("response_post_message_ok")).toEqual({
      outcome: "delivered",
      platformId: "1767225700.000400",
    });
    expect(answer("response_error_http200")).toMatchObject({ reason: "channel_not_found" });
    const install = JSON.stringify(load("response_oauth_v2_access_rotating"));
    expect(readInstallation(200, install, NOW_MS)).toMatchObject({
      ok: true,
      value: { teamId: "T0EXAMPLE1", expiresAtMs: NOW_MS + 43_200_000 },
    });
  });
});
