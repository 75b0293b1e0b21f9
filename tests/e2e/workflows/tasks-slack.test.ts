/** Tasks put to people in Slack: asked once, answered by the buttons of the question, once, whoever presses how often. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openSlack, slackCalls, slackConnection, teamOf } from "../../support/channels/slack.ts";
import { type ChannelWorld, startWorld, until } from "../../support/channels/world.ts";
import {
  audited,
  deliver,
  deployAsking,
  runStatus,
  slackPress,
  startAsking,
  TASK_WITHIN_MS,
  taskIn,
  taskPath,
} from "../../support/workflows/tasks.ts";

const TENANT = "acme";
const OTHER = "globex";
let world: ChannelWorld;

beforeAll(async () => {
  world = await startWorld();
  await world.addTenant({ id: TENANT, connections: [slackConnection("team")] });
  await world.addTenant({ id: OTHER, connections: [slackConnection("theirs")] });
  openSlack(world, "team");
  openSlack(world, "theirs");
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
      return {
        buttons,
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

  /** What the hub answered through the ways back of presses. */
  const answers = () =>
    world.slack
      .calls()
      .filter(({ path }) => path.startsWith("/actions/"))
      .map(({ body }) => (body as { text: string }).text);
  const click = (channel: string, user: string, button: string | undefined, team = "team") =>
    world.slack.emit({
      ...{ team: teamOf(team), channel, user, wait: true },
      action: { action_id: button, value: button, message_ts: "1.1" },
    });

  test("who is not asked is refused, who comes late hears who was first", {
    timeout: 120_000,
  }, async () => {
    await deployAsking(world, TENANT, "slack-late", ask("C0LATE"));
    const run = await startAsking(world, TENANT, "slack-late");
    const { buttons } = await slackCard("C0LATE");
    const [approve, reject] = buttons.map(({ action_id }) => action_id);
    await click("C0LATE", "U0EVE", approve);
    await told("somebody else to answer");
    expect((await taskIn(world, TENANT, run)).status).toBe("open");
    await click("C0LATE", "U0ANA", reject);
    await runStatus(world, TENANT, run, "completed");
    await click("C0LATE", "U0BOB", approve);
    await told("Too late, thank you. Answered: Reject by U0ANA at ");
    expect(await audited(world, TENANT, run, "task_answered")).toBe(1);
  });

  const told = (text: string) =>
    until(`"${text}"`, () => answers().find((one) => one.includes(text)), TASK_WITHIN_MS);

  test("a button answers only where it was sent to: no other conversation, no other tenant", {
    timeout: 120_000,
  }, async () => {
    await deployAsking(world, TENANT, "slack-forged", ask("C0HERE", { assignees: undefined }));
    const run = await startAsking(world, TENANT, "slack-forged");
    const { buttons } = await slackCard("C0HERE");
    const button = buttons[0]?.action_id ?? "";
    await click("C0THERE", "U0EVE", button);
    await told("cannot be answered from here");
    const before = answers().length;
    await click("C0HERE", "U0EVE", button, "theirs");
    await until(
      "the refusal of the other tenant",
      () => (answers().length > before ? true : undefined),
      TASK_WITHIN_MS,
    );
    const changed = `${button.slice(0, -1)}${button.endsWith("A") ? "B" : "A"}`;
    await click("C0HERE", "U0EVE", changed);
    await until(
      "the refusal of a changed button",
      () => (answers().length > before + 1 ? true : undefined),
      TASK_WITHIN_MS,
    );
    expect(answers().at(-1)).toContain("cannot be answered from here");
    expect((await taskIn(world, TENANT, run)).status).toBe("open");
    await click("C0HERE", "U0ANYBODY", button);
    await runStatus(world, TENANT, run, "completed");
  });

  test("everybody asked is written to where no conversation is named, also who is asked later", {
    timeout: 120_000,
  }, async () => {
    await deployAsking(world, TENANT, "slack-people", {
      ...{ assignees: ["U0ONE"], channel: { connection: "team" } },
      ...{ reminders: [400], escalations: [{ after: 1200, assignees: ["U0TWO"] }] },
    });
    const run = await startAsking(world, TENANT, "slack-people");
    await slackCard("U0ONE");
    expect((await slackCard("U0ONE", 1)).text).toContain("Reminder");
    const escalated = await slackCard("U0TWO");
    expect(escalated.text).toContain("More people are asked now");
    await click("D0TWO", "U0TWO", escalated.buttons[0]?.action_id);
    await runStatus(world, TENANT, run, "completed");
    const task = await taskIn(world, TENANT, run, ({ status }) => status === "answered");
    expect(task).toMatchObject({ end: { by: "U0TWO" }, reminders: 1, escalations: 1 });
    // Both of the first, and the one of the second say how it ended.
    await until(
      "three edits",
      () => {
        const edits = slackCalls(world, "chat.update").filter(({ body }) =>
          (body as { text: string }).text.includes("by U0TWO"),
        );
        return edits.length === 3 ? edits : undefined;
      },
      TASK_WITHIN_MS,
    );
  });

  test("an answer by the API ends the question in the conversation too", {
    timeout: 120_000,
  }, async () => {
    await deployAsking(world, TENANT, "slack-api", ask("C0API"));
    const run = await startAsking(world, TENANT, "slack-api");
    await slackCard("C0API");
    const task = await taskIn(world, TENANT, run);
    const body = { choice: "approve", by: "u0bob" };
    const first = await world.api(TENANT).post(`${taskPath(task)}/answer`, body);
    expect(first.status).toBe(200);
    expect(first.body).toMatchObject({ status: "answered", end: { by: "U0BOB" } });
    const update = await until(
      "the edit",
      () => slackCalls(world, "chat.update", "C0API")[0],
      TASK_WITHIN_MS,
    );
    expect(update.body).toMatchObject({ text: expect.stringContaining("Approve by U0BOB") });
  });

  test("a question of a run that is cancelled says so", { timeout: 120_000 }, async () => {
    await deployAsking(world, TENANT, "slack-off", ask("C0OFF"));
    const run = await startAsking(world, TENANT, "slack-off");
    await slackCard("C0OFF");
    await world.api(TENANT).post(`/runs/${run}/cancel`, {});
    const update = await until(
      "the edit",
      () => slackCalls(world, "chat.update", "C0OFF")[0],
      TASK_WITHIN_MS,
    );
    expect(update.body).toMatchObject({
      blocks: [],
      text: expect.stringContaining("No answer is needed any more."),
    });
    expect((await taskIn(world, TENANT, run, ({ status }) => status !== "open")).status).toBe(
      "closed",
    );
  });
});
