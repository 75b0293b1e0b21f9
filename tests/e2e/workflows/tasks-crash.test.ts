/**
 * The runtime is killed around a task: while it is opened and asked, between its question and the answer, and right
 * behind the press. It is there once, asked once, answered once, and the run goes on by itself.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { discordCalls, discordConnection, openDiscord } from "../../support/channels/discord.ts";
import { type ChannelWorld, startWorld, until } from "../../support/channels/world.ts";
import {
  audited,
  deliver,
  deployAsking,
  discordPress,
  runStatus,
  startAsking,
  TASK_WITHIN_MS,
  taskIn,
} from "../../support/workflows/tasks.ts";

const BOT = 32;
const TENANT = "acme";
const USER = "55601";
let world: ChannelWorld;

beforeAll(async () => {
  world = await startWorld();
  await world.addTenant({ id: TENANT, connections: [discordConnection("bot", BOT)] });
  openDiscord(world, "bot", BOT);
}, 120_000);
afterAll(() => world?.stop());

interface Card {
  readonly nonce: string;
  readonly components: readonly { readonly components: readonly { custom_id: string }[] }[];
}

/** Posts with buttons; one that was sent again after a crash has the same nonce, and is one message there. */
function cards(channel: string): readonly Card[] {
  const path = new RegExp(`^POST /channels/${channel}/messages$`);
  const posts = discordCalls(world, path).map(({ body }) => body as Card);
  return posts.filter(({ components }) => components !== undefined);
}

async function restart(): Promise<void> {
  await world.hub.kill();
  await world.hub.restart();
}

/** Kills the runtime this long after the run was started, ms: before, while and after its question goes out. */
const KILLS_AFTER_MS = [0, 15, 40, 80, 150, 400];

describe("killed", () => {
  test.each(KILLS_AFTER_MS)(
    "%d ms after its start: one task, one question, and one answer to it",
    { timeout: 240_000 },
    async (afterMs) => {
      const [id, channel] = [`crash-${afterMs}`, `90${afterMs}`];
      const place = { connection: "bot", to: channel };
      await deployAsking(world, TENANT, id, { assignees: [USER], channel: place });
      const run = await startAsking(world, TENANT, id);
      await new Promise((resolve) => setTimeout(resolve, afterMs));
      await restart();
      const card = await until("the question", () => cards(channel)[0], TASK_WITHIN_MS);
      const task = await taskIn(world, TENANT, run, ({ status }) => status === "open");
      const button = card.components[0]?.components[0]?.custom_id ?? "";
      const press = discordPress(world, "bot", BOT, { button, channel, user: USER, message: "1" });
      expect(await deliver(press)).toBe(200);
      await restart();
      // The platform repeats what it had no answer to: here all of it.
      expect(await deliver(press)).toBe(200);
      await runStatus(world, TENANT, run, "completed");
      const after = await taskIn(world, TENANT, run, ({ status }) => status === "answered");
      expect(after).toMatchObject({ id: task.id, end: { choice: "approve", by: USER } });
      expect(await world.api(TENANT).items(`/tasks?run=${run}`)).toHaveLength(1);
      expect(await audited(world, TENANT, run, "task_answered")).toBe(1);
      const edit = new RegExp(`^PATCH /channels/${channel}/messages/\\d+$`);
      await until("the edit", () => discordCalls(world, edit)[0], TASK_WITHIN_MS);
      expect(new Set(cards(channel).map(({ nonce }) => nonce)).size).toBe(1);
    },
  );
});
