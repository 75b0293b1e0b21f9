/** Answers given in conversations, without a platform: what counts, what is said, and what is left of a forgotten run. */
import { env as bindings } from "cloudflare:workers";
import { describe, expect, test, vi } from "vitest";
import { taskToken } from "../../../domain/workflows/tasks/token.ts";
import type { Located } from "../../../platform/directory.ts";
import { findTask } from "../../../platform/repositories/tasks.ts";
import { workflowRun } from "../../../platform/workflow-runs.ts";
import type { InboxItem, TaskAsk } from "../../../schema/conversation.ts";
import { giveAnswer } from "../../../workers/consumers/task-answers.ts";
import { mayAnswer, type TaskPlan, taskPlan } from "../../../workers/consumers/task-plan.ts";
import { isolateOf } from "../../../workers/isolate.ts";
import { running } from "./running.ts";

const env = bindings as unknown as Env;
vi.setConfig({ testTimeout: 60_000 });
const PLACE = "T1:C1";

async function asking(more: Record<string, unknown> = {}) {
  const hub = await running({});
  await hub.deploy({
    id: "asking",
    steps: [
      { id: "ask", type: "approval", title: "Ship it?", onReject: "no", ...more },
      { id: "no", type: "set", values: {} },
    ],
  });
  const run = await hub.start("asking");
  const { tenant } = hub;
  const connection = { id: "team", channel: "slack", teamId: "T1", tenant };
  const located = { tenant: { id: tenant }, connection, rules: [] } as unknown as Located;
  const item = (id: string, sender: string, conversationKey = PLACE, replyTo?: string) =>
    ({
      ...{ id, seq: 1, atMs: 0, wantsTurn: true, session: "" },
      message: {
        conversationKey,
        sender: { id: sender, aliases: [] },
        ...(replyTo ? { replyTo } : {}),
      },
    }) as unknown as InboxItem;
  const bound = { tenant, connection: "team", place: PLACE, run, task: "ask@1" };
  const token = (choice: string, at: number) =>
    taskToken(isolateOf(env).vars.ID_SECRET, { ...bound, choice }, at);
  const planned = (message: Record<string, unknown>, sender: string, asks?: readonly TaskAsk[]) => {
    const content = { text: "", media: [], metadata: {}, ...(message.content as object) };
    const whole = {
      connection: "team",
      kind: "message",
      sender: { id: sender, aliases: [] },
      ...message,
      content,
    };
    const override = asks ? { asks } : {};
    expect(mayAnswer(whole as never, override)).toBe(true);
    const plan = taskPlan(
      whole as never,
      { kind: "silence", external: false, reason: "no_route" },
      override,
      [],
    );
    return plan as TaskPlan;
  };
  const press = async (id: string, sender: string, button: string, place = PLACE) => {
    const content = { metadata: { interaction: { id: button } } };
    const plan = planned({ kind: "interaction", content }, sender);
    return giveAnswer(env, located, item(id, sender, place), plan);
  };
  const ask: TaskAsk = {
    ...{ run, task: "ask@1", title: "Ship it?", messages: ["msg_asked"] },
    choices: [{ id: "approve" }, { id: "reject" }],
  };
  const write = (id: string, sender: string, text: string, replyTo?: string, asks = [ask]) =>
    giveAnswer(
      env,
      located,
      item(id, sender, PLACE, replyTo),
      planned({ content: { text } }, sender, asks),
    );
  const stored = () => findTask(env.DB, tenant, `${run}:ask@1`);
  return { ...hub, run, ask, token, press, write, stored };
}

describe("a press", () => {
  test("counts once, and is the same press when its turn is run again", async () => {
    const it = await asking({ assignees: ["U0ANA"] });
    const button = await it.token("reject", 1);
    expect(await it.press("msg_1", "U0ANA", button)).toBeUndefined();
    expect(await it.press("msg_1", "U0ANA", button)).toBeUndefined();
    expect(await it.press("msg_2", "U0ANA", button)).toBeUndefined();
    const late = await it.press("msg_3", "U0ANA", await it.token("approve", 0));
    expect(late).toMatch(/^Too late, thank you\. Answered: Reject by U0ANA at /);
    expect(await it.press("msg_4", "U0EVE", button)).toContain("Too late");
    const state = await it.ended(it.run);
    expect(state.steps.ask?.answered).toMatchObject({ by: "U0ANA", via: "message:msg_1" });
  });

  test("counts where it was sent to, in a conversation or to a person, and nowhere else", async () => {
    const it = await asking();
    const button = await it.token("approve", 0);
    const elsewhere = await it.press("msg_1", "U0ANA", button, "T1:C2");
    expect(elsewhere).toBe("This question cannot be answered from here.");
    const wrong = `${button.slice(0, -1)}${button.endsWith("x") ? "y" : "x"}`;
    expect(await it.press("msg_2", "U0ANA", wrong)).toBe(elsewhere);
    const other = (await it.token("approve", 0)).replace(".0.", ".1.");
    expect(await it.press("msg_3", "U0ANA", other)).toBe(elsewhere);
    const unknown = `tk1.${"0".repeat(26)}.${"0".repeat(16)}.0.${"x".repeat(22)}`;
    expect(await it.press("msg_4", "U0ANA", unknown)).toBe(elsewhere);
    expect((await it.state(it.run)).steps.ask?.status).toBe("waiting");
    expect(await it.press("msg_5", "U0ANA", button)).toBeUndefined();
  });

  test("on a run that was forgotten hears how it ended", async () => {
    const it = await asking();
    const button = await it.token("approve", 0);
    expect(await it.press("msg_1", "U0ANA", button)).toBeUndefined();
    await it.ended(it.run);
    await vi.waitFor(async () => expect((await it.stored())?.state).toBe("answered"), 15_000);
    await workflowRun(env, { tenant: it.tenant, run: it.run }).destroy();
    const late = await it.press("msg_2", "U0BOB", button);
    expect(late).toMatch(/^Too late, thank you\. Answered: Approve by U0ANA at /);
  });

  test("on a task that was called off, or wants data, is told so", async () => {
    const it = await asking({ form: { type: "object", required: ["sum"] } });
    const button = await it.token("approve", 0);
    expect(await it.press("msg_1", "U0ANA", button)).toContain("more details");
    await it.send(it.run, { is: "cancel" });
    await vi.waitFor(async () => expect((await it.stored())?.state).toBe("closed"), 15_000);
    expect(await it.press("msg_2", "U0ANA", button)).toBe(
      "Too late, thank you. No answer is needed any more.",
    );
  });
});

describe("a reply", () => {
  test("is thanked for, with its comment kept", async () => {
    const it = await asking();
    expect(await it.write("msg_1", "U0ANA", "2: too dear")).toBe("Noted: Reject.");
    expect(await it.write("msg_1", "U0ANA", "2: too dear")).toBe("Noted: Reject.");
    await vi.waitFor(async () => expect((await it.stored())?.state).toBe("answered"), 15_000);
    const details = JSON.parse((await it.stored())?.details ?? "{}");
    expect(details.end).toMatchObject({ choice: "reject", comment: "too dear", by: "U0ANA" });
  });

  test("to one of several has to quote it", async () => {
    const it = await asking();
    const other = { ...it.ask, task: "other@1", title: "And this?" };
    const back = await it.write("msg_1", "U0ANA", "1", undefined, [it.ask, other]);
    expect(back).toContain("- Ship it?\n- And this?");
    expect((await it.state(it.run)).steps.ask?.status).toBe("waiting");
  });
});
