import { expect, test } from "vitest";
import { discordAdapter } from "../../../../channels/discord/adapter.ts";
import type { OutboundRequest } from "../../../../schema/outbound.ts";

function request(idempotent: boolean): OutboundRequest {
  const url = "https://discord.com/api/v10/channels/1/messages";
  return {
    step: "part:0",
    method: "POST",
    url,
    headers: {},
    body: { as: "none" },
    timeoutMs: 1000,
    idempotent,
  };
}

test("a 200 that is not Discord's JSON proves nothing: repeated where that is harmless, else uncertain", () => {
  const garbage = "\u0000<<not json>>{";
  const judged = [true, false].map((idempotent) =>
    discordAdapter.readResponse(request(idempotent), 200, new Headers(), garbage),
  );
  expect(judged.map((one) => one.outcome)).toEqual(["retry", "uncertain"]);
});

test("a 204 has no body and is a success", () => {
  const judged = discordAdapter.readResponse(request(true), 204, new Headers(), "");
  expect(judged.outcome).toBe("delivered");
});
