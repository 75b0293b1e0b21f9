/** Tasks put to people on Discord and WhatsApp: by buttons, or a numbered list that is answered with words. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  discordCalls,
  discordConnection,
  openDiscord,
  posts,
} from "../../support/channels/discord.ts";
import {
  openWhatsapp,
  sends,
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
  startAsking,
  TASK_WITHIN_MS,
  taskIn,
} from "../../support/workflows/tasks.ts";

const BOT = 31;
const TENANT = "acme";
let world: ChannelWorld;

beforeAll(async () => {
  world = await startWorld();
  const connections = [discordConnection("bot", BOT), whatsappConnection("phone")];
  await world.addTenant({ id: TENANT, connections });
  openDiscord(world, "bot", BOT);
  openWhatsapp(world, "phone");
}, 120_000);
afterAll(() => world?.stop());

describe("Discord", () => {
  test("a press answers once, delivered twice; the buttons go", { timeout: 120_000 }, async () => {
    await deployAsking(world, TENANT, "discord-press", {
      assignees: ["55501"],
      channel: { connection: "bot", to: "881" },
    });
    const run = await startAsking(world, TENANT, "discord-press");
    const card = await until(
      "the card",
      () => posts(world, "881").find(({ components }) => components !== undefined),
      TASK_WITHIN_MS,
    );
    const rows = card.components as { components: { custom_id: string; label: string }[] }[];
    const buttons = rows[0]?.components ?? [];
    expect(buttons.map(({ label }) => label)).toEqual(["Approve", "Reject"]);
    const at = { channel: "881", user: "55501", message: "99001" };
    const press = discordPress(world, "bot", BOT, { ...at, button: buttons[1]?.custom_id ?? "" });
    expect(await Promise.all([deliver(press), deliver(press)])).toEqual([200, 200]);
    await runStatus(world, TENANT, run, "completed");
    const task = await taskIn(world, TENANT, run, ({ status }) => status === "answered");
    expect(task.end).toMatchObject({ choice: "reject", by: "55501" });
    expect(await audited(world, TENANT, run, "task_answered")).toBe(1);
    const edit = await until(
      "the edit",
      () => discordCalls(world, /^PATCH \/channels\/881\/messages\/\d+$/)[0],
      TASK_WITHIN_MS,
    );
    expect(edit.body).toMatchObject({
      components: [],
      content: expect.stringContaining("Reject by 55501"),
    });
  });
});

describe("WhatsApp", () => {
  const ANA = "5511977770001";
  const write = (more: Record<string, unknown>) =>
    world.evolution.emit({
      instance: "phone-instance",
      apiKey: "token-of-phone",
      from: ANA,
      wait: true,
      ...more,
    });
  const asking = (more = {}) => ({
    assignees: ["+55 (11) 97777-0001"],
    channel: { connection: "phone", to: ANA },
    ...more,
  });
  const asked = (title: string) =>
    until(
      `"${title}" asked`,
      () =>
        sends(world, "phone", "sendText").find(({ body }) => JSON.stringify(body).includes(title)),
      TASK_WITHIN_MS,
    );

  test("a numbered list; a reply with a word of it answers once, any other goes its usual way", {
    timeout: 120_000,
  }, async () => {
    await deployAsking(world, TENANT, "whatsapp", asking({ title: "Pay the invoice?" }));
    const run = await startAsking(world, TENANT, "whatsapp");
    const call = await asked("Pay the invoice?");
    expect(JSON.stringify(call.body)).toMatch(/1\. Approve\\n2\. Reject/);
    await write({ text: "let me think" });
    await sentText(world, "phone", "echo: let me think");
    await write({ text: "1: fine with me", id: "3EB0ANSWER", repeat: 2 });
    await runStatus(world, TENANT, run, "completed");
    await sentText(world, "phone", "Noted: Approve.");
    expect(textsSent(world, "phone").filter((text) => text === "Noted: Approve.")).toHaveLength(1);
    const task = await taskIn(world, TENANT, run, ({ status }) => status === "answered");
    expect(task.end).toMatchObject({ choice: "approve", comment: "fine with me" });
    expect(await audited(world, TENANT, run, "task_answered")).toBe(1);
    // The question is over: the same word is a word again.
    await until(
      "the question closed",
      async () => {
        await write({ text: "approve" });
        return textsSent(world, "phone").includes("echo: approve") || undefined;
      },
      TASK_WITHIN_MS,
    );
  });

  test("of two questions the one that is quoted is answered", { timeout: 120_000 }, async () => {
    await deployAsking(world, TENANT, "wa-first", asking({ title: "First question?" }));
    await deployAsking(world, TENANT, "wa-second", asking({ title: "Second question?" }));
    const first = await startAsking(world, TENANT, "wa-first");
    const second = await startAsking(world, TENANT, "wa-second");
    await asked("First question?");
    await asked("Second question?");
    await write({ text: "2" });
    await until(
      "a question back",
      () => textsSent(world, "phone").find((text) => text.startsWith("Several questions")),
      TASK_WITHIN_MS,
    );
    const id = await until(
      "the platform's id of the second question",
      async () => {
        const known = await world.api(TENANT).history();
        return known.find(({ content }) => content.text.startsWith("**Second"))?.platform_id;
      },
      TASK_WITHIN_MS,
    );
    await write({ text: "2", quoted: { id, text: "Second question?" } });
    await runStatus(world, TENANT, second, "completed");
    const task = await taskIn(world, TENANT, second, ({ status }) => status === "answered");
    expect(task.end).toMatchObject({ choice: "reject" });
    expect((await taskIn(world, TENANT, first)).status).toBe("open");
  });
});
