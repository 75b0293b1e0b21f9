/** Tasks over the API: found, answered by those who are asked, once, given to others, commented on, expired. */
import { env as bindings } from "cloudflare:workers";
import { describe, expect, test, vi } from "vitest";
import { type Answer, type ApiTenant, apiTenant, asking } from "./api-hub.ts";

const env = bindings as unknown as Env;
/** Other work on the machine must not fail a test, ms. */
vi.setConfig({ testTimeout: 60_000 });
const FORM = {
  type: "object",
  required: ["sum", "reason"],
  properties: { sum: { type: "integer", minimum: 1 }, reason: { type: "string" } },
};

interface Asked extends ApiTenant {
  readonly run: string;
  readonly task: string;
  readonly path: string;
  /** The same task of a run of its own. */
  again(): Promise<Asked>;
}

/** A run that waits for an answer. */
async function asked(more: Record<string, unknown> = {}, on?: ApiTenant): Promise<Asked> {
  const hub = on ?? (await apiTenant());
  const id = `ask-${crypto.randomUUID().slice(0, 8)}`;
  const uploaded = await hub.ask("POST", "/workflows", {
    ...{ id, name: "Asks", version: "1.0.0" },
    steps: [
      { id: "ask", type: "approval", title: "Pay?", next: "done", onReject: "no", ...more },
      { id: "done", type: "set", values: { by: "{{ steps.ask.output.by }}" } },
      { id: "no", type: "set", values: { rejected: true } },
    ],
  });
  expect(uploaded.text).toContain(id);
  return waiting(hub, id, more);
}

async function waiting(hub: ApiTenant, id: string, more: object): Promise<Asked> {
  const started = await hub.ask("POST", `/workflows/${id}/runs`, { input: {} });
  const run = started.body.run as string;
  const task = `${run}:ask@1`;
  const path = `/tasks/${encodeURIComponent(task)}`;
  await until(async () => (await hub.ask("GET", path)).status === 200);
  return { ...hub, run, task, path, again: () => waiting(hub, id, more) };
}

function until(is: () => Promise<boolean>): Promise<void> {
  return vi.waitFor(
    async () => {
      if (!(await is())) throw new Error("not yet");
    },
    { timeout: 15_000, interval: 25 },
  );
}

const answer = ({ ask, path }: Asked, body: object): Promise<Answer> =>
  ask("POST", `${path}/answer`, body);
const status = async ({ ask, run }: Asked) => (await ask("GET", `/runs/${run}`)).body.status;

describe("an answer", () => {
  test("of somebody asked is taken, and the run goes on with it", async () => {
    const it = await asked({ assignees: ["Ana@example.com"] });
    const given = { choice: "approve", by: "ana@example.com", comment: "fine" };
    const taken = await answer(it, given);
    expect([taken.status, taken.body.status]).toEqual([200, "answered"]);
    const end = { choice: "approve", by: "Ana@example.com", comment: "fine" };
    expect(taken.body.end).toMatchObject({ ...end, via: expect.stringMatching(/^key:/) });
    await until(async () => (await status(it)) === "completed");
    await until(async () => (await it.ask("GET", it.path)).body.status === "answered");
    const { body } = await it.ask("GET", it.path);
    expect(body.end).toMatchObject(end);
    expect(body.history.map(({ what }: { what: string }) => what)).toEqual([
      "task_opened",
      "task_answered",
    ]);
    const row = await env.DB.prepare(
      "SELECT answered_by, choice, state FROM workflow_tasks WHERE tenant_id = ? AND id = ?",
    )
      .bind(it.tenant, it.task)
      .first();
    expect(row).toEqual({ answered_by: "Ana@example.com", choice: "approve", state: "answered" });
  });

  test("that comes again is the same one; another one is too late", async () => {
    const it = await asked({ assignees: ["ana", "bob"], form: FORM });
    const given = { choice: "reject", by: "ana", form: { sum: 3, reason: "late" } };
    const both = await Promise.all([answer(it, given), answer(it, given)]);
    expect(both.map((one) => one.status)).toEqual([200, 200]);
    const turned = { ...given, form: { reason: "late", sum: 3 } };
    expect((await answer(it, turned)).status).toBe(200);
    const others = [
      { ...given, choice: "approve" },
      { ...given, by: "bob" },
      { ...given, form: { sum: 4, reason: "late" } },
      { ...given, comment: "but" },
    ];
    for (const other of others) {
      const late = await answer(it, other);
      expect([late.status, late.body.reason, late.body.answered_by, late.body.choice]).toEqual([
        ...[409, "answered", "ana", "reject"],
      ]);
      expect(late.body.answered_at).toMatch(/^\d{4}-/);
    }
    await until(async () => (await status(it)) === "completed");
    expect((await answer(it, given)).status).toBe(200);
    expect((await it.ask("GET", it.path)).body.answered_form).toEqual(given.form);
  });

  test("of ten people at once is one of them, and nine hear who was first", async () => {
    const people = Array.from({ length: 10 }, (_, n) => `person-${n}`);
    const it = await asked({ assignees: people });
    const all = await Promise.all(
      people.map((by, n) => answer(it, { choice: n % 2 === 0 ? "approve" : "reject", by })),
    );
    const taken = all.filter((one) => one.status === 200);
    expect(taken).toHaveLength(1);
    const first = taken[0]?.body.end.by;
    for (const late of all.filter((one) => one.status !== 200))
      expect([late.status, late.body.reason, late.body.answered_by]).toEqual([
        409,
        "answered",
        first,
      ]);
    await until(async () => (await status(it)) === "completed");
  });

  test("of somebody else is forbidden; of nobody in particular it is the key's", async () => {
    const it = await asked({ assignees: ["ana"] });
    for (const body of [{ choice: "approve" }, { choice: "approve", by: "eve" }]) {
      const refused = await answer(it, body);
      expect([refused.status, refused.body.code]).toEqual([403, "forbidden"]);
    }
    expect((await answer(it, { choice: "approve", by: "operator" })).status).toBe(400);
    const open = await asked({}, it);
    const taken = await answer(open, { choice: "approve" });
    expect(taken.body.end).toMatchObject({ by: expect.stringMatching(/^key:/) });
    const operated = await asked({}, it);
    const byOperator = await asking("test-admin-key")(
      ...(["POST", `${operated.path}/answer?tenant=${it.tenant}`, { choice: "approve" }] as const),
    );
    expect(byOperator.body.end).toMatchObject({ by: "operator", via: "operator" });
  });

  test("that does not fit gets every fault at once, and changes nothing", async () => {
    const it = await asked({ form: FORM });
    const refused = await answer(it, { choice: "maybe", form: { sum: 0 } });
    expect([refused.status, refused.body.code]).toEqual([422, "unprocessable"]);
    const pointers = refused.body.errors.map((one: { pointer: string }) => one.pointer);
    expect(pointers).toEqual(expect.arrayContaining(["#/choice", "#/form/sum"]));
    expect(JSON.stringify(refused.body.errors)).toContain("reason");
    expect((await answer(it, { choice: "approve" })).status).toBe(422);
    expect((await it.ask("GET", it.path)).body.status).toBe("open");
    const form = { sum: 2, reason: "ok" };
    expect((await answer(it, { choice: "approve", form })).status).toBe(200);
  });

  test("after its time is refused with the reason, also where a choice was made then", async () => {
    const it = await asked({ timeout: 300, onTimeout: { choose: "reject" } });
    await until(async () => (await status(it)) === "completed");
    const late = await answer(it, { choice: "approve" });
    const { reason, choice, answered_by } = late.body;
    expect([late.status, reason, choice, answered_by]).toEqual([409, "expired", "reject", null]);
    await until(async () => (await it.ask("GET", it.path)).body.status === "expired");
    const gone = await asked({}, it);
    await gone.ask("POST", `/runs/${gone.run}/cancel`, {});
    await until(async () => (await status(gone)) === "cancelled");
    const closed = await answer(gone, { choice: "approve" });
    expect([closed.status, closed.body.reason]).toEqual([409, "closed"]);
  });

  test("to a task that is not there is not found, whoever's it is", async () => {
    const it = await asked();
    const stranger = await apiTenant();
    const foreign = await stranger.ask("POST", `${it.path}/answer`, { choice: "approve" });
    expect(foreign.status).toBe(404);
    for (const id of ["nothing", `run_${"0".repeat(26)}:ask@1`, `${it.task.slice(0, -1)}2`])
      expect((await it.ask("GET", `/tasks/${encodeURIComponent(id)}`)).status).toBe(404);
  });

  test("needs the scope, and leaves no word of it in the logs", async () => {
    const logged = vi.spyOn(console, "log");
    const it = await asked({ assignees: ["secret-person"], title: "secret-title" });
    await answer(it, { choice: "approve", by: "secret-person", comment: "secret-word" });
    const lines = JSON.stringify(logged.mock.calls);
    logged.mockRestore();
    expect(lines).toContain("task.answered");
    expect(lines).not.toContain("secret-");
    const reader = await apiTenant(["tasks:read"]);
    expect((await reader.ask("POST", `${it.path}/answer`, { choice: "approve" })).status).toBe(403);
  });
});

describe("people", () => {
  test("are asked anew: those of before are refused then", async () => {
    const it = await asked({ assignees: ["ana"] });
    const put = (assignees: string[]) =>
      it.ask("PUT", `${it.path}/assignees`, { assignees, by: "boss" });
    const given = await put(["bob", "kim"]);
    expect([given.status, given.body.assignees]).toEqual([200, ["bob", "kim"]]);
    expect((await put(["bob", "kim"])).body.notes).toHaveLength(1);
    expect((await answer(it, { choice: "approve", by: "ana" })).status).toBe(403);
    expect((await answer(it, { choice: "approve", by: "kim" })).status).toBe(200);
    expect((await put(["ana"])).status).toBe(409);
    await until(async () => (await it.ask("GET", it.path)).body.status === "answered");
    const [note] = (await it.ask("GET", it.path)).body.notes;
    expect(note).toMatchObject({ kind: "reassigned", by: "boss", from: ["ana"] });
    expect(note.via).toMatch(/^key:/);
  });

  test("comment, until it is over", async () => {
    const it = await asked();
    const say = (text: string) => it.ask("POST", `${it.path}/comments`, { text });
    expect((await say("one")).status).toBe(201);
    expect((await say("two")).body.notes).toMatchObject([{ text: "one" }, { text: "two" }]);
    expect((await say(" ")).status).toBe(400);
    expect((await say("x".repeat(2001))).status).toBe(400);
    await answer(it, { choice: "approve" });
    expect((await say("three")).status).toBe(409);
  });

  test("are reminded and more of them asked when it is time; all of it is told", {
    timeout: 60_000,
  }, async () => {
    const rules = { reminders: [200, 400], escalations: [{ after: 600, assignees: ["head"] }] };
    const it = await asked({ assignees: ["ana"], ...rules, timeout: 60_000 });
    await until(async () => (await it.ask("GET", it.path)).body.escalations === 1);
    const { body } = await it.ask("GET", it.path);
    expect(body).toMatchObject({ reminders: 2, escalated_to: ["head"] });
    expect(body.due_at).toMatch(/^\d{4}-/);
    expect((await answer(it, { choice: "approve", by: "head" })).status).toBe(200);
    const types = async () => {
      const { body: events } = await it.ask("GET", `/events?limit=100&type=task.%23`);
      const all = events.items as { event: { event_type: string; data: { task: string } } }[];
      const own = all.map(({ event }) => event).filter(({ data }) => data.task === it.task);
      return own.map(({ event_type }) => event_type).toSorted();
    };
    const told = [
      "task.answered",
      "task.escalated",
      "task.opened",
      "task.reminded",
      "task.reminded",
    ];
    await until(async () => JSON.stringify(await types()) === JSON.stringify(told));
    const { body: history } = await it.ask("GET", it.path);
    expect(history.history.map(({ what }: { what: string }) => what)).toEqual([
      ...["task_opened", "task_reminded", "task_reminded", "task_escalated", "task_answered"],
    ]);
  });
});

describe("a list", () => {
  test("finds tasks by everything they have, page by page", async () => {
    const hub = await apiTenant();
    const first = await asked({ assignees: ["Ana"], timeout: 3_600_000 }, hub);
    const second = await first.again();
    const third = await asked({ assignees: ["bob"] }, hub);
    await answer(second, { choice: "approve", by: "ana" });
    await until(async () => (await hub.ask("GET", second.path)).body.status === "answered");
    const found = async (query: string) => {
      const { body } = await hub.ask("GET", `/tasks?${query}`);
      return body.items.map(({ id }: { id: string }) => id).toSorted();
    };
    const ids = (...some: Asked[]) => some.map(({ task }) => task).toSorted();
    await until(async () => (await found("status=answered")).length === 1);
    expect(await found("")).toEqual(ids(first, second, third));
    expect(await found("assignee=ANA")).toEqual(ids(first, second));
    expect(await found("assignee=ana&status=open")).toEqual(ids(first));
    expect(await found(`run=${third.run}`)).toEqual(ids(third));
    const { workflow } = (await hub.ask("GET", third.path)).body;
    expect(await found(`workflow=${workflow}`)).toEqual(ids(third));
    const soon = new Date(Date.now() + 1_800_000).toISOString();
    const later = new Date(Date.now() + 7_200_000).toISOString();
    expect(await found(`due_before=${soon}`)).toEqual([]);
    expect(await found(`due_before=${later}&due_since=${soon}`)).toEqual(ids(first, second));
    const page = await hub.ask("GET", "/tasks?limit=2");
    const rest = await hub.ask("GET", `/tasks?limit=2&cursor=${page.body.nextCursor}`);
    const both = [...page.body.items, ...rest.body.items] as { id: string }[];
    expect(both.map(({ id }) => id).toSorted()).toEqual(ids(first, second, third));
    expect(rest.body.nextCursor).toBeUndefined();
    const stranger = await apiTenant();
    expect((await stranger.ask("GET", "/tasks")).body.items).toEqual([]);
    const stolen = await stranger.ask("GET", `/tasks?cursor=${page.body.nextCursor}`);
    expect(stolen.status).toBe(400);
  });
});
