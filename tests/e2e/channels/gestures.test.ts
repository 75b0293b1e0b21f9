/** Gestures under the default policy: each is answered where it was made, however busy its conversation is. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  applicationOf,
  discordCalls,
  discordConnection,
  openDiscord,
} from "../../support/channels/discord.ts";
import { openSlack, posted, slackConnection, teamOf } from "../../support/channels/slack.ts";
import { type ChannelWorld, startWorld, until } from "../../support/channels/world.ts";

const BOT = 21;
let world: ChannelWorld;

beforeAll(async () => {
  world = await startWorld();
  const common = {
    policy: undefined,
    route: { kind: "hive", baseUrl: "simulator", agent: "support" },
  };
  await world.addTenant({
    id: "acme",
    connections: [discordConnection("bot", BOT, common), slackConnection("team", common)],
  });
  openDiscord(world, "bot", BOT);
  openSlack(world, "team");
  world.hive.brain({ mode: "slow", delayMs: 400 });
});
afterAll(() => world?.stop());

describe("while an agent is busy", () => {
  test("three Discord commands in one channel get three answers, each its own", async () => {
    const words = ["one", "two", "three"];
    for (const value of words) {
      await world.discord.emit({
        applicationId: applicationOf(BOT),
        channel: "831",
        command: { name: "ask", options: [{ name: "q", type: 3, value }] },
        wait: true,
      });
    }
    const edits = await until("three originals edited", () => {
      const calls = discordCalls(world, /^PATCH \/webhooks\/.*\/messages\/@original$/);
      return calls.length === words.length ? calls : undefined;
    });
    const answers = edits.map(({ body }) => (body as { content: string }).content);
    for (const [index, word] of words.entries()) expect(answers[index]).toContain(word);
    expect(new Set(edits.map(({ path }) => path)).size).toBe(words.length);
  });

  test("commands and messages of one Slack channel are answered each by its own way", async () => {
    const emit = (what: Record<string, unknown>) =>
      world.slack.emit({ team: teamOf("team"), channel: "C0BUSY", wait: true, ...what });
    await emit({ text: "a message" });
    await emit({ command: "/ask", text: "first command" });
    await emit({ command: "/ask", text: "second command" });
    await emit({ text: "another message" });
    await posted(world, "C0BUSY", "hive: another message");
    const answers = world.slack.calls().filter(({ path }) => path.startsWith("/commands/"));
    expect(answers.map(({ body }) => JSON.stringify(body))).toEqual([
      expect.stringContaining("first command"),
      expect.stringContaining("second command"),
    ]);
    expect(new Set(answers.map(({ path }) => path)).size).toBe(2);
  });
});
