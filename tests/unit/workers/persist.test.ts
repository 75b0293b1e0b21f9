import { expect, test } from "vitest";
import type { Leased } from "../../../workers/consumers/leased.ts";
import { persistAll } from "../../../workers/consumers/persist.ts";
import { aMessage, CONFIG } from "../../support/conversation.ts";

/** A D1 that keeps what is bound, refuses every batch with a value that has `poison` in it, and can be down. */
function fakeD1(poison: string) {
  const written: string[] = [];
  let down = false;
  const prepare = (sql: string) => ({
    sql,
    bind: (...values: unknown[]) => ({
      sql,
      text: JSON.stringify(values),
      all: () => Promise.resolve({ results: [] }),
    }),
  });
  const batch = (statements: readonly { sql: string; text?: string }[]) => {
    const inserts = statements.filter((one) => one.sql.includes("INTO messages_"));
    if (down) return Promise.reject(new Error("D1_ERROR: Network connection lost."));
    if (inserts.some((one) => one.text?.includes(poison)))
      return Promise.reject(new Error("D1_ERROR: string or blob too big: SQLITE_TOOBIG"));
    written.push(...statements.map((one) => one.text ?? ""));
    return Promise.resolve([]);
  };
  return {
    written,
    db: { prepare, batch } as unknown as D1Database,
    goDown: () => {
      down = true;
    },
  };
}

/** The least an isolate starts with; nobody has subscribed to anything. */
const environment = (DB: D1Database) =>
  ({
    DB,
    ID_SECRET: "test-id-secret",
    KEK: "k1:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
    MEDIA_SECRET: "test-media-secret",
  }) as unknown as Env;

function held(name: string, texts: readonly string[]): Leased {
  const config = { ...CONFIG, conversation: `cnv_${name}` };
  const persist = texts.map((text, n) => ({
    seq: 1_795_000_000_000 + n,
    id: `msg_01m7y${n}${name}`.padEnd(26, "0"),
    atMs: 1_795_000_000_000,
    wantsTurn: true,
    session: "ses_1",
    message: aMessage({ eventKey: `key${n}`, content: { text, media: [], metadata: {} } }),
  }));
  return {
    of: { v: 1, tenant: "acme", conversation: config.conversation },
    token: name,
    work: {
      is: "leased",
      token: name,
      config,
      override: {},
      unregistered: false,
      persist,
      deads: [],
      ownPlatformIds: [],
    },
    located: {
      connection: { id: "acme-wa", channel: "whatsapp" },
      tenant: { id: "acme" },
      rules: [],
    },
  } as unknown as Leased;
}

test("one poison message holds up neither the others of its batch nor those behind it", async () => {
  const fake = fakeD1("POISON");
  const results = await persistAll(environment(fake.db), [
    held("a", ["one"]),
    held("b", ["two", "POISON", "three"]),
    held("c", ["four"]),
  ]);
  expect([...results]).toEqual([
    ["a", true],
    ["b", true],
    ["c", true],
  ]);
  const all = fake.written.join("\n");
  for (const text of ["one", "two", "three", "four"]) expect(all).toContain(text);
  expect(fake.written.some((text) => text.includes("unstorable") && text.includes("POISON"))).toBe(
    true,
  );
});

test("a database that is down is no reason to bury anything", async () => {
  const fake = fakeD1("POISON");
  fake.goDown();
  const results = await persistAll(environment(fake.db), [held("a", ["one", "POISON"])]);
  expect([...results]).toEqual([["a", false]]);
  expect(fake.written).toEqual([]);
});
