/** Tasks put to people where they talk: asked once, answered by button or reply, once, whatever is delivered twice. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  discordCalls,
  discordConnection,
  openDiscord,
  posts,
} from "../../support/channels/discord.ts";
import { openSlack, slackCalls, slackConnection } from "../../support/channels/slack.ts";
import {
  openWhatsapp,
  sentText,
  textsSent,
  whatsappConnection,
} from "../../support/channels/whatsapp.ts";
import { type ChannelWorld, startWorld, until } from "../../support/channels/world.ts";
import {
  audited,
  deliver,
  deployAsking,
  discordPress,
  runStatus,
  slackPress,
  startAsking,
  TASK_WITHIN_MS,
  taskIn,
} from "../../support/workflows/tasks.ts";

const BOT = 31;
const TENANT = "acme";
const OTHER = "globex";
let world: ChannelWorld;

beforeAll(async () => {
  world = await startWorld();
  await world.addTenant({
    id: TENANT,
    connections: [
      slackConnection("team"),
      discordConnection("bot", BOT),
      whatsappConnection("phone"),
    ],
  });
  await world.addTenant({ id: OTHER, connections: [slackConnection("theirs")] });
  openSlack(world, "team");
  openSlack(world, "theirs");
  openDiscord(world, "bot", BOT);
  openWhatsapp(world, "phone", { version: "2.4" });
}, 120_000);
afterAll(() => world?.stop());

interface Button {
  readonly action_id: string;
  readonly text: { readonly text: string };
}

/** The question in a Slack channel, once it was posted. */
function slackCard(channel: string, n = 0) {
  return until(
    `a card in ${channel}`,
    () => {
      const cards = slackCalls(world, "chat.postMessage", channel).filter(
        ({ body }) => (body as { blocks?: unknown }).blocks !== undefined,
      );
      const call = cards[n];
      if (!call) return undefined;
      const blocks = (call.body as { blocks: { type: string; elements?: Button[] }[] }).blocks;
      const buttons = blocks.find(({ type }) => type === "actions")?.elements ?? [];
      const ts = String((call.answer as { ts?: string } | undefined)?.ts ?? "");
      return {
        buttons,
        ts,
        text: String((call.body as { text: string }).text),
        count: cards.length,
      };
    },
    TASK_WITHIN_MS,
  );
}

describe("Slack", () => {
  const ask = (channel: string, more = {}) => ({
    assignees: ["U0ANA", "U0BOB"],
    channel: { connection: "team", to: channel },
    ...more,
  });

  test("a press answers once, delivered twice; the message shows who and what", {
    timeout: 120_000,
  }, async () => {
    await deployAsking(world, TENANT, "slack-press", ask("C0SHIP"));
    const run = await startAsking(world, TENANT, "slack-press");
    const { buttons, text } = await slackCard("C0SHIP");
    expect(text).toContain("Ship it?");
    expect(buttons.map((button) => button.text.text)).toEqual(["Approve", "Reject"]);
    const press = slackPress(world, "team", {
      ...{ button: buttons[0]?.action_id ?? "", channel: "C0SHIP", user: "U0ANA", ts: "1.1" },
    });
    expect(await Promise.all([deliver(press), deliver(press)])).toEqual([200, 200]);
    const done = await runStatus(world, TENANT, run, "completed");
    expect(done.status).toBe("completed");
    const task = await taskIn(world, TENANT, run, ({ status }) => status === "answered");
    expect(task.end).toMatchObject({ choice: "approve", by: "U0ANA" });
    expect(String((task.end as { via: string }).via)).toMatch(/^message:msg_/);
    expect(await audited(world, TENANT, run, "task_answered")).toBe(1);
    const update = await until(
      "the edit",
      () => slackCalls(world, "chat.update", "C0SHIP")[0],
      TASK_WITHIN_MS,
    );
    expect(update.body).toMatchObject({
      blocks: [],
      text: expect.stringContaining("Approve by U0ANA"),
    });
    expect((await slackCard("C0SHIP")).count).toBe(1);
  });
});

void [OTHER, discordCalls, posts, discordPress, sentText, textsSent];
