/**
 * The hostile Evolution webhooks of the shared fixtures, as far as proofs and parsing decide them. What happens
 * behind the door (one row for repeated ids, no calls to hostile addresses) is tested there.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { whatsappAdapter } from "../../../../channels/whatsapp/adapter.ts";
import { rawWebhook } from "../../../contract/raw-webhook.ts";
import { evolutionJwt } from "../../../contract/samples/whatsapp.ts";
import { connection as other } from "./fixture.ts";

interface Recipe {
  readonly id: string;
  readonly request: { readonly body: string };
  readonly sign: {
    readonly secret: string;
    readonly ts_offset_s: number;
    readonly ttl_s: number;
    readonly alg?: string;
  } | null;
  readonly send?: { readonly variants_path?: string; readonly variants?: readonly unknown[] };
}

/** accepted: verified and parsed to so many contact messages; else why not. */
type Verdict = `messages ${number}` | "echo" | "ignored" | "refused" | `quarantined ${string}`;

const EXPECTED: Readonly<Record<string, Verdict>> = {
  "EV-01": "messages 1",
  "EV-02": "refused",
  "EV-03": "refused",
  "EV-06": "refused",
  "EV-07": "refused",
  "EV-08": "messages 1",
  "EV-11": "quarantined wrong_shape",
  "EV-12": "quarantined key_too_long",
  "EV-13": "messages 1",
  "EV-16": "messages 1",
  "EV-17": "echo",
  "EV-18": "ignored",
  "EV-21": "messages 1",
  "EV-22": "messages 1",
  "EV-23": "messages 1",
};

const NOW_MS = Date.UTC(2026, 10, 21, 5);
const DIRECTORY = join(import.meta.dirname, "../../../../../shared/fixtures/nasty");
const present = existsSync(DIRECTORY);
const load = (name: string) => JSON.parse(readFileSync(join(DIRECTORY, name), "utf8"));
const reason = present ? "" : " (skipped: ../shared/fixtures is not here)";

describe.skipIf(!present)(`hostile Evolution webhooks${reason}`, () => {
  const recipes: readonly Recipe[] = present ? load("evolution.json") : [];
  const keys = present ? load("keys.json").evolution : {};
  const connection = {
    ...other,
    instance: "acme-wa",
    credentials: { apiKey: "k", jwtKey: keys.acme ?? "" },
  };

  function headersOf({ sign }: Recipe): Record<string, string> {
    if (sign === null) {
      return {};
    }
    const [scheme, name = ""] = sign.secret.split(/:(.*)/s);
    const secret = scheme === "literal" ? name : keys[name];
    const atMs = NOW_MS + sign.ts_offset_s * 1000;
    const over = { exp: Math.floor(atMs / 1000) + sign.ttl_s };
    return { authorization: `Bearer ${evolutionJwt(secret, atMs, over)}` };
  }

  function bodiesOf({ request, send }: Recipe): readonly string[] {
    const member = send?.variants_path?.split(".").at(-1);
    if (member === undefined) {
      return [request.body];
    }
    return (send?.variants ?? []).map((value) => {
      const body = JSON.parse(request.body);
      body.data[member] = value;
      return JSON.stringify(body);
    });
  }

  async function verdictOf(body: string, headers: Record<string, string>): Promise<Verdict> {
    const raw = rawWebhook(body, headers);
    if (!(await whatsappAdapter.verify(raw, connection, NOW_MS)).ok) {
      return "refused";
    }
    const result = whatsappAdapter.parse(raw, { connection, nowMs: NOW_MS });
    if (!result.ok) {
      return `quarantined ${result.failure.reason}`;
    }
    expect(JSON.stringify(result.value)).not.toContain("DO-NOT-STORE");
    expect(JSON.stringify(result.value)).not.toContain("evo.acme.test");
    const { messages } = result.value;
    const contacts = messages.filter(({ origin }) => origin === "contact").length;
    return messages.length === 0 ? "ignored" : contacts === 0 ? "echo" : `messages ${contacts}`;
  }

  it("are all expected, and none more", () => {
    expect(recipes.map(({ id }) => id).toSorted()).toEqual(Object.keys(EXPECTED).toSorted());
  });

  it.each(Object.entries(EXPECTED))("%s: %s", async (id, expected) => {
    const recipe = recipes.find((one) => one.id === id) as Recipe;
    for (const body of bodiesOf(recipe)) {
      expect(await verdictOf(body, headersOf(recipe))).toBe(expected);
    }
  });

  it("EV-13: a key with half a character is the same key each time", () => {
    const recipe = recipes.find(({ id }) => id === "EV-13") as Recipe;
    const result = whatsappAdapter.parse(rawWebhook(recipe.request.body), {
      connection,
      nowMs: NOW_MS,
    });
    expect(result).toMatchObject({ ok: true, value: { messages: [{ platformId: "X\ufffdY" }] } });
  });
});

const VECTORS = join(DIRECTORY, "../signatures/vectors.json");

describe.skipIf(!present)(`the published Evolution token${reason}`, () => {
  const vector = present
    ? JSON.parse(readFileSync(VECTORS, "utf8")).find(
        ({ channel }: { channel: string }) => channel === "evolution",
      )
    : {};
  const connection = { ...other, credentials: { apiKey: "k", jwtKey: vector.secret ?? "" } };
  const raw = rawWebhook("{}", { authorization: vector.value ?? "" });

  it("is accepted in its time and refused after it", async () => {
    const at = (unix: number) => whatsappAdapter.verify(raw, connection, unix * 1000);
    expect((await at(vector.validAtUnix)).ok).toBe(true);
    expect(await at(vector.expiredAtUnix)).toEqual({ ok: false, failure: { reason: "stale" } });
  });
});
