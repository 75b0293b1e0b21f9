/** Broken requests on raw sockets: a clear refusal or a closed line, nothing stored, and the hub is alive after each. */
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loadCases, NASTY_PRESENT } from "../support/nasty/cases.ts";
import { type NastyWorld, startNastyWorld } from "../support/nasty/world.ts";

const WHERE = NASTY_PRESENT
  ? ""
  : " (skipped: ../shared/fixtures/nasty is not beside the repository)";
/** How long a connection that is not answered is waited for. */
const PATIENCE_MS = 2000;
let world: NastyWorld;

/** Where this hub's answer is another than the case's, and why. */
const DIFFERENCES: Readonly<
  Record<string, { readonly status: readonly number[]; readonly because: string }>
> = {
  "TR-02": {
    status: [400, 401, 415],
    because: "the request names no content type: refused before its body is read",
  },
  "TR-06": {
    status: [431, 400, 200],
    because:
      "Cloudflare refuses over-long headers before the Worker; the local runtime lets them pass",
  },
  "TR-08": {
    status: [400, 500, 415],
    because: "the request names no content type: refused before its body is read",
  },
};

describe.skipIf(!NASTY_PRESENT)(`broken requests${WHERE}`, () => {
  beforeAll(async () => {
    world = await startNastyWorld();
  });
  afterAll(() => world?.stop());

  for (const one of loadCases("transport")) {
    test(`${one.id} ${one.title}`, async () => {
      const before = await world.counts();
      const status = statusOf(await say(expanded(one.raw ?? "")));
      const allowed = DIFFERENCES[one.id]?.status ?? one.expect.status;
      if (Array.isArray(allowed) && allowed.length > 0 && status !== undefined) {
        expect(allowed, `status ${status}`).toContain(status);
      }
      expect((await fetch(`${world.hub.url}/health`)).status).toBe(200);
      expect(await world.counts()).toEqual(before);
    });
  }
});

function expanded(raw: string): string {
  return raw.replace(/\$repeat:([^:]+):(\d+)/g, (_, unit: string, times: string) =>
    unit.repeat(Number(times)),
  );
}

/** Writes bytes to the hub's port and returns what came back before the line closed or patience ended. */
function say(raw: string): Promise<string> {
  const { hostname, port } = new URL(world.hub.url);
  return new Promise((resolve) => {
    let heard = "";
    const socket = connect(Number(port), hostname, () => {
      socket.write(Buffer.from(raw, "utf8"));
      if (raw.includes("Content-Length: 100")) socket.end();
    });
    socket.setTimeout(PATIENCE_MS, () => socket.destroy());
    socket.on("data", (chunk) => {
      heard += chunk.toString("latin1");
      if (heard.includes("\r\n\r\n")) socket.end();
    });
    socket.on("error", () => undefined);
    socket.on("close", () => resolve(heard));
  });
}

function statusOf(answer: string): number | undefined {
  const match = /^HTTP\/1\.1 (\d{3})/.exec(answer);
  return match ? Number(match[1]) : undefined;
}
