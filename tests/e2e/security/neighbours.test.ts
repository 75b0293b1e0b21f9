/**
 * A tenant at fifty times another's rate, on the same queue: the quiet one is served within a bounded number of
 * the loud one's replies, nothing that was accepted is lost, and a limit is 429 with Retry-After. Counted in
 * replies and their order, never in seconds.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventually } from "../../support/runtime.ts";
import {
  markOf,
  type Neighbours,
  neighboursOf,
  startNeighbours,
} from "../../support/security/neighbours.ts";

const LOUD = "loud";
const [QUIET = "", LIMITED = ""] = neighboursOf(LOUD, 2);
const TIMES = 50;
const ROUNDS = 8;
/** The quiet one may see at most this many rounds of the loud one's replies go before its own. */
const ROUNDS_WAITED_MAX = 1;
const PER_MINUTE = 30;

let world: Neighbours;
beforeAll(async () => {
  world = await startNeighbours([LOUD, QUIET, LIMITED], { [LIMITED]: PER_MINUTE });
});
afterAll(() => world?.stop());

function range(length: number): readonly number[] {
  return Array.from({ length }, (_, index) => index);
}

async function until(what: string, count: number, of: string): Promise<readonly string[]> {
  const theirs = () => world.replies().filter((text) => text.startsWith(`[[${of}/`));
  await eventually(what, async () => (theirs().length >= count ? true : undefined), 50_000);
  return theirs();
}

describe("a neighbour at fifty times the rate", () => {
  test(`delays nobody by more than ${ROUNDS_WAITED_MAX} rounds, and loses nothing itself`, async () => {
    const repliedAtAck: number[] = [];
    for (const round of range(ROUNDS)) {
      const loud = range(TIMES).map((conversation) => world.say(LOUD, conversation, round));
      const quiet = world.say(QUIET, 0, round).then((answer) => {
        repliedAtAck[round] = world.replies().length;
        return answer;
      });
      const answers = await Promise.all([...loud, quiet]);
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    }
    await until("the quiet one's replies", ROUNDS, QUIET);
    const order = world.replies();
    for (const round of range(ROUNDS)) {
      const at = order.indexOf(markOf(QUIET, 0, round));
      const before = order
        .slice(repliedAtAck[round], at)
        .filter((text) => text.includes(`[${LOUD}/`));
      expect([round, before.length <= TIMES * ROUNDS_WAITED_MAX, before.length]).toEqual([
        round,
        true,
        before.length,
      ]);
    }
    const all = range(TIMES).flatMap((one) =>
      range(ROUNDS).map((round) => markOf(LOUD, one, round)),
    );
    const answered = await until("the loud one's replies", all.length, LOUD);
    expect(answered.toSorted()).toEqual(all.toSorted());
    for (const one of range(TIMES)) {
      const inOrder = answered.filter((text) => text.startsWith(`[[${LOUD}/${one}:`));
      expect(inOrder).toEqual(range(ROUNDS).map((round) => markOf(LOUD, one, round)));
    }
  }, 120_000);
});

describe("a tenant at its limit", () => {
  test("gets 429 with Retry-After above it, its neighbours none, and what was accepted is answered once", async () => {
    await clearOfTheMinute();
    const answers = await Promise.all(
      range(PER_MINUTE + 20).map(async (one) => [one, await world.say(LIMITED, one, 0)] as const),
    );
    const accepted = answers.filter(([, { status }]) => status === 200);
    const refused = answers.filter(([, { status }]) => status === 429);
    expect([accepted.length, refused.length]).toEqual([PER_MINUTE, 20]);
    for (const [, answer] of refused) {
      const wait = Number(answer.headers.get("retry-after"));
      expect(wait).toBeGreaterThanOrEqual(1);
      expect(wait).toBeLessThanOrEqual(60);
      expect(await answer.json()).toMatchObject({ status: 429, code: "rate_limited" });
    }
    expect((await world.say(QUIET, 1, 0)).status).toBe(200);
    const wanted = accepted.map(([one]) => markOf(LIMITED, one, 0));
    const answered = await until("what was accepted", wanted.length, LIMITED);
    expect(answered.toSorted()).toEqual(wanted.toSorted());
    const [row] = await world.rows<{ inbound: number }>(
      `SELECT count(*) AS inbound FROM messages WHERE tenant_id = '${LIMITED}' AND direction = 'inbound'`,
    );
    expect(row?.inbound).toBe(PER_MINUTE);
  });
});

/** Limits count by the minute: begins one where this one is nearly over. */
async function clearOfTheMinute(): Promise<void> {
  const left = 60_000 - (Date.now() % 60_000);
  if (left < 15_000) await new Promise((resolve) => setTimeout(resolve, left + 100));
}
