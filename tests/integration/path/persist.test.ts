/** Writing new messages to D1 where D1 fails: what was not written is not believed to be. */
import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import type { Located } from "../../../platform/directory.ts";
import { wrapEnv } from "../../../platform/faults.ts";
import type { ConversationConfig, InboxItem, LeaseReply } from "../../../schema/conversation.ts";
import type { ParsedMessage } from "../../../schema/parsed.ts";
import { persistAll } from "../../../workers/consumers/persist.ts";

type Work = Extract<LeaseReply, { is: "leased" }>;

const CONFIG: ConversationConfig = {
  tenant: "acme",
  connection: "acme-wa",
  conversation: "cnv_1",
  conversationKey: "5511900000001@s.whatsapp.net",
  policy: { kind: "serial" },
  sessionIdleMs: 1000,
  humanPauseMs: 0,
  editTurns: false,
  backlogMax: 10,
  ringAfterMs: 5000,
};

const located = {
  tenant: { id: "acme" },
  connection: { id: CONFIG.connection, channel: "whatsapp" },
} as unknown as Located;

function leased(
  conversation: string,
  message: Partial<ParsedMessage> & { readonly eventKey: string },
) {
  const item: InboxItem = {
    seq: 1_795_000_000_000,
    id: `msg_${message.eventKey.padStart(22, "0")}`,
    atMs: 1_795_000_000_000,
    wantsTurn: true,
    session: "ses_1",
    message: {
      kind: "message",
      origin: "contact",
      conversationKey: CONFIG.conversationKey,
      platformId: message.eventKey,
      sender: { id: "5511900000001", aliases: [] },
      group: false,
      content: { text: "hi", media: [], metadata: {} },
      mentions: [],
      ...message,
    },
  };
  const work: Work = {
    is: "leased",
    token: conversation,
    config: { ...CONFIG, conversation },
    override: {},
    unregistered: true,
    persist: [item],
    deads: [],
    ownPlatformIds: [],
  };
  return {
    of: { v: 1, tenant: "acme", conversation },
    token: conversation,
    work,
    located,
  } as const;
}

test("two names of one person are learned although the first try to write them down failed", async () => {
  const plan = JSON.stringify([{ target: "DB", op: "batch", times: 2 }]);
  const failing = wrapEnv(env as Env, { plan });
  const sender = { id: "5511900000001", aliases: ["5511900000001", "77@lid"] };
  const held = leased("cnv_names", { eventKey: "1", sender });
  expect((await persistAll(failing, [held])).get("cnv_names")).toBe(false);
  expect((await persistAll(failing, [held])).get("cnv_names")).toBe(true);
  const { results } = await env.DB.prepare("SELECT alias FROM aliases ORDER BY alias").all<{
    alias: string;
  }>();
  expect(results.map((row) => row.alias)).toEqual(["5511900000001", "77@lid"]);
});

test("a message that cannot even be put into words fails its own conversation only", async () => {
  const good = leased("cnv_good", { eventKey: "2" });
  const bad = leased("cnv_bad", { eventKey: "3", timestampMs: Number.NaN });
  const results = await persistAll(env as Env, [good, bad]);
  expect([...results]).toEqual([
    ["cnv_good", true],
    ["cnv_bad", false],
  ]);
});

test("of a batch with one poison row every other conversation is written", async () => {
  const plan = JSON.stringify([{ target: "DB", op: "batch", match: "POISON" }]);
  const failing = wrapEnv(env as Env, { plan });
  const held = Array.from({ length: 9 }, (_, n) =>
    leased(`cnv_${n}`, {
      eventKey: `4${n}`,
      content: { text: n === 4 ? "POISON" : "fine", media: [], metadata: {} },
    }),
  );
  const results = await persistAll(failing, held);
  const failed = [...results].filter(([, written]) => !written).map(([token]) => token);
  expect(failed).toEqual(["cnv_4"]);
});
