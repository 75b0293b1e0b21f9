/** Hostile webhooks against the whole hub: the right status, the right number of rows and effects, no leak, alive after each. */
import { createHmac } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  type Expectation,
  expectationOf,
  loadCases,
  materialise,
  NASTY_PRESENT,
  type NastyCase,
} from "../support/nasty/cases.ts";
import { type Counts, knock, type NastyWorld, startNastyWorld } from "../support/nasty/world.ts";

const WHERE = NASTY_PRESENT
  ? ""
  : " (skipped: ../shared/fixtures/nasty is not beside the repository)";
let world: NastyWorld;

describe.skipIf(!NASTY_PRESENT)(`hostile webhooks${WHERE}`, () => {
  beforeAll(async () => {
    world = await startNastyWorld();
  });
  afterAll(() => world?.stop());

  for (const file of ["slack", "discord", "evolution"]) {
    describe(file, () => {
      for (const one of loadCases(file)) {
        test(`${one.id} ${one.title}`, async () => {
          const before = await world.counts();
          const requests = await materialise(one, Date.now(), world.simulators.origins.slack ?? "");
          const answers = await sendAll(requests, one.send?.parallel === true);
          await check(one, answers, before);
        });
      }
    });
  }

  describe("text", () => {
    for (const one of loadCases("text")) {
      test(`${one.id} ${one.title}`, async () => {
        const before = await world.counts();
        const answer = await sendText(one);
        await check(one, [answer], before);
        if (one.expect.roundtrip?.startsWith("identical"))
          expect(await newestText()).toBe(JSON.parse(one.text_json ?? '""'));
        else expect(await newestText()).toBe(cleaned(JSON.parse(one.text_json ?? '""') as string));
      });
    }
  });

  test("no row, log line or metric ever held the instance key that Evolution sends along", async () => {
    const everything =
      JSON.stringify(await world.rows()) + world.logs.join("\n") + (await metrics());
    expect(everything).not.toContain("EVO-INSTANCE-KEY-DO-NOT-STORE");
  });

  test("no log line or metric holds anybody's number or text", async () => {
    const margins = world.logs.join("\n") + (await metrics());
    for (const secret of ["5521988887777", "Maria", "078-05-1120", "4111 1111", "<script>"]) {
      expect(margins).not.toContain(secret);
    }
  });
});

async function sendAll(requests: Awaited<ReturnType<typeof materialise>>, parallel: boolean) {
  if (parallel) return Promise.all(requests.map((request) => knock(world.hub, request)));
  const answers: Response[] = [];
  for (const request of requests) answers.push(await knock(world.hub, request));
  return answers;
}

/** A text case rides in a Slack message. */
async function sendText(one: NastyCase): Promise<Response> {
  const event = `{"type":"message","user":"U1","text":${one.text_json},"ts":"1795300000.${one.id.slice(3).padStart(6, "0")}","channel":"C7"}`;
  const body = `{"team_id":"T_ACME","api_app_id":"A1","type":"event_callback","event_id":"Ev_${one.id}","event_time":1795300000,"event":${event}}`;
  const stamp = String(Math.floor(Date.now() / 1000));
  const mac = createHmac("sha256", "test-slack-signing-secret-acme")
    .update(`v0:${stamp}:${body}`)
    .digest("hex");
  return fetch(`${world.hub.url}/webhooks/slack/acme`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "x-slack-signature": `v0=${mac}`,
      "x-slack-request-timestamp": stamp,
    },
    body,
  });
}

async function check(one: NastyCase, answers: readonly Response[], before: Counts): Promise<void> {
  const expected = expectationOf(one);
  for (const answer of answers) {
    expect(oneOf(expected.status), `status ${answer.status}`).toContain(answer.status);
    if (expected.body_contains)
      expect(await answer.clone().text()).toContain(expected.body_contains);
    expect(answer.headers.get("content-type") ?? "").not.toContain("text/html");
  }
  const after = await settled(expected, before);
  expect(after.foreign).toBe(before.foreign);
  for (const name of ["messages", "effects", "quarantined"] as const) {
    const wanted = expected[name];
    if (wanted === undefined || typeof wanted === "string") continue;
    expect(oneOf(wanted), `${name} ${after[name] - before[name]}`).toContain(
      after[name] - before[name],
    );
  }
}

/** Waits for what should come, and a moment longer for what should not. */
async function settled(expected: Expectation, before: Counts): Promise<Counts> {
  const deadline = Date.now() + 8000;
  for (;;) {
    const now = await world.counts();
    const there = (["messages", "effects", "quarantined"] as const).every((name) => {
      const wanted = expected[name];
      return (
        wanted === undefined ||
        typeof wanted === "string" ||
        oneOf(wanted).includes(now[name] - before[name])
      );
    });
    if (there || Date.now() > deadline) {
      await new Promise((resolve) => setTimeout(resolve, 60));
      return world.counts();
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function oneOf(value: number | readonly number[] | undefined): readonly number[] {
  if (value === undefined) return [];
  return typeof value === "number" ? [value] : value;
}

async function newestText(): Promise<string> {
  const rows = await world.rows();
  const inbound = rows.filter((row) => row.direction === "inbound").at(-1);
  return (JSON.parse(String(inbound?.content ?? "{}")) as { text: string }).text;
}

function cleaned(text: string): string {
  return text.toWellFormed().replaceAll("\u0000", "");
}

async function metrics(): Promise<string> {
  const response = await fetch(`${world.hub.url}/metrics`, {
    headers: { authorization: `Bearer ${world.hub.adminKey}` },
  });
  return response.text();
}
