/** An agent of a tenant speaks for that tenant only, whatever its replies name. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { fresh, unifiedMessage } from "../../support/api/requests.ts";
import { type ApiWorld, startApiWorld } from "../../support/api/world.ts";
import { eventually } from "../../support/runtime.ts";

let world: ApiWorld;
let reply: unknown = {};

/** Acme's own server, which replies whatever the test wants. */
const agent = createServer((request, response) => {
  request.resume();
  request.on("end", () => {
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify(reply));
  });
});

beforeAll(async () => {
  world = await startApiWorld();
  await new Promise<void>((resolve) => agent.listen(0, "127.0.0.1", resolve));
});
afterAll(async () => {
  agent.close();
  await world?.stop();
});

test.each([
  ["acme-whatsapp", "whatsapp", "5511933334444"],
  ["acme-slack", "slack", "C77"],
  ["acme-discord", "discord", "1234567"],
] as const)(
  "a reply by %s that names globex's file ends failed, and opens nothing",
  async (connection, source, address) => {
    const { port } = agent.address() as AddressInfo;
    const media = [
      {
        kind: "image",
        source: { from: "stored", key: world.globex.mediaKey },
        mime_type: "image/png",
      },
    ];
    reply = { parts: [{ type: "media", media, text: fresh("reply") }] };
    const key = world.acme.keys.all;
    const route = { kind: "webhook", url: `http://127.0.0.1:${port}/` };
    await world.must("PATCH", `/tenants/acme/connections/${connection}`, { route });
    const message = { ...unifiedMessage("acme", connection), source, conversation_key: address };
    const { body } = await world.must("POST", "/messages/unified", message);
    const timeline = await eventually("the end of the reply", async () => {
      const { body: found } = await world.ask("GET", `/messages/${body.id}/timeline`, { key });
      const status = found?.replies?.[0]?.status;
      return status === "failed" || status === "sent" || status === "delivered" ? found : undefined;
    });
    expect(timeline.replies[0].status).toBe("failed");
    for (const origin of Object.values(world.simulators.origins)) {
      const calls = await (await fetch(`${origin}/_sim/calls`)).text();
      expect(calls).not.toContain("media/globex");
    }
  },
);
