import { expect, test } from "vitest";
import { effectsOf, type LoggedCall } from "../../../dev/crash/effects.ts";
import { recoveries } from "../../../dev/crash/killer.ts";

function call(more: Partial<LoggedCall>): LoggedCall {
  return {
    method: "POST",
    path: "/message/sendText/acme",
    tenant: "acme",
    body: { number: "5511", text: "echo: [[acme/whatsapp-0:1]] hello" },
    ...more,
  };
}

test.each([
  ["an ordinary send", {}, 1],
  ["one that broke before anything was done", { fault: "reset" }, 0],
  ["one that was refused", { fault: "status" }, 0],
  ["one that was done and never answered", { fault: "reset-after" }, 1],
  ["a look-up that names the text", { path: "/chat/findMessages/acme" }, 0],
  ["a read", { method: "GET" }, 0],
  ["one without a mark", { body: { text: "hi" } }, 0],
  ["a form", { body: "text=[[acme/slack-0:1]]&channel=D1" }, 1],
])("%s", (_, more, effects) => {
  expect(effectsOf([call(more)])).toHaveLength(effects);
});

test("keys by which a platform knows a repetition are kept", () => {
  const mark = "[[acme/discord-0:1]]";
  const keys = effectsOf([
    call({
      path: "/channels/1/messages",
      body: { content: mark, nonce: "n", enforce_nonce: true },
    }),
    call({ path: "/channels/1/messages", body: { content: mark, nonce: "n" } }),
    call({ method: "PATCH", path: "/webhooks/1/t/messages/@original", body: { content: mark } }),
    call({ body: { text: mark, messageId: "3EB0" } }),
  ]).map((effect) => effect.idempotencyKey);
  expect(keys).toEqual([
    "/channels/1/messages n",
    undefined,
    "/webhooks/1/t/messages/@original",
    "/message/sendText/acme 3EB0",
  ]);
});

test("recovery runs from a kill to the first webhook accepted by the fresh runtime", () => {
  const kills = [
    { killedAtMs: 100, upAtMs: 400 },
    { killedAtMs: 1000, upAtMs: 1300 },
  ];
  expect(recoveries(kills, [90, 120, 450, 470, 2000])).toEqual([350, 1000]);
  expect(recoveries(kills, [90, 1500])).toEqual([500]);
  expect(recoveries(kills, [90])).toEqual([]);
});
