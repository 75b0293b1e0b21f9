/** What an upload is told beside faults: what its definition names that is not there yet. */
import { expect, test, vi } from "vitest";
import { apiTenant, noting } from "./api-hub.ts";

vi.setConfig({ testTimeout: 60_000 });

const CALL = { type: "action", action: "http.request" };

const connectionOf = (tenant: string) => ({
  ...{ id: `of-${tenant}`, channel: "slack", teamId: `T${tenant.slice(-8).toUpperCase()}` },
  credentials: { signingSecret: "a-signing-secret", botToken: "xoxb-1" },
});

test("an upload is told what it names that is not there yet, once each", async () => {
  const [hub, other] = [await apiTenant(), await apiTenant()];
  await hub.ask("POST", "/workflows", noting("once"));
  for (const { tenant, ask } of [hub, other])
    expect((await ask("POST", `/tenants/${tenant}/connections`, connectionOf(tenant))).status).toBe(
      201,
    );
  await hub.ask("PUT", "/secrets/there", { value: "x" });
  const header = (name: string) => ({ a: { $secret: name } });
  const definition = {
    ...noting("naming"),
    triggers: [{ type: "webhook", path: "in", secret: "none" }],
    steps: [
      {
        ...CALL,
        id: "a",
        next: "b",
        with: { url: "https://x.example", headers: header("there") },
      },
      {
        ...CALL,
        id: "b",
        next: "c",
        with: { url: "https://x.example", headers: header("gone") },
      },
      {
        id: "c",
        type: "approval",
        title: "Ok?",
        channel: { connection: "nobody", to: "x" },
        next: "d",
      },
      { id: "d", type: "workflow", workflow: "once", version: "9.0.0", next: "e" },
      { id: "e", type: "workflow", workflow: "naming", next: "f" },
      {
        id: "f",
        type: "action",
        action: "event.publish",
        with: { event_type: "no.such" },
        next: "g",
      },
      {
        id: "g",
        type: "action",
        action: "message.send",
        with: { connection: "{{ input.c }}" },
        next: "h",
      },
      {
        id: "h",
        type: "action",
        action: "message.send",
        with: { connection: `of-${hub.tenant}`, to: "1", text: "x" },
        next: "i",
      },
      {
        id: "i",
        type: "action",
        action: "message.send",
        with: { connection: `of-${other.tenant}`, to: "1", text: "x" },
      },
    ],
  };
  const { status, body } = await hub.ask("POST", "/workflows", definition);
  expect([status, body.notes]).toEqual([
    201,
    [
      { path: "steps[1].with.headers.a", detail: "there is no secret gone yet" },
      { path: "steps[2].channel.connection", detail: "there is no connection nobody yet" },
      { path: "steps[3].workflow", detail: "there is no workflow once 9.0.0 yet" },
      { path: "steps[5].with.event_type", detail: "there is no event type no.such yet" },
      { path: "steps[8].with.connection", detail: `there is no connection of-${other.tenant} yet` },
      { path: "triggers[0].secret", detail: "there is no secret none yet" },
    ],
  ]);
});
