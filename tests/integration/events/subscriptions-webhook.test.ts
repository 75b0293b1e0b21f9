/** Webhook subscriptions prove themselves, rotate their secrets, and are held and released. */
import { afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { databaseFor } from "../../../platform/database.ts";
import {
  findSubscription,
  openSigningSecrets,
  replaceSubscription,
} from "../../../platform/repositories/subscriptions.ts";
import { ADMIN_KEY, env, slack } from "../api/hub-api.ts";
import {
  agree,
  anEvent,
  answerAs,
  aPull,
  aWebhook,
  type EventsApi,
  eventsApi,
} from "./events-api.ts";

let api: EventsApi;

beforeAll(async () => {
  api = await eventsApi();
  const { tenant } = api;
  await api.ask("POST", `/tenants/${tenant}/connections`, slack("chat-of-events"));
});
afterEach(() => {
  vi.restoreAllMocks();
});

const stored = async (id: string) => {
  const found = await findSubscription(databaseFor(env, api.tenant), api.tenant, id);
  if (!found) throw new Error("no such subscription");
  return found;
};
const secretsOf = async (id: string, nowMs = Date.now()) =>
  (await openSigningSecrets(api.deps.vault, await stored(id), nowMs)).map(({ text }) => text);
const refuse = () => new Response("no", { status: 500 });

describe("a webhook", () => {
  test("is active once its endpoint has agreed, and shows its secret once", async () => {
    const fetched = answerAs(agree);
    const { body } = await api.subscribe(aWebhook());
    expect(body).toMatchObject({ state: "active", state_reason: null, secrets: 1 });
    expect(body.verification).toEqual({ ok: true });
    expect(fetched).toHaveBeenCalledTimes(1);
    expect(await secretsOf(body.id)).toEqual([body.secret]);
    for (const path of [`/subscriptions/${body.id}`, "/subscriptions?limit=200"])
      expect((await api.ask("GET", path)).text).not.toContain(body.secret.slice(6));
  });

  test("given secrets are sealed and never answered", async () => {
    answerAs(agree);
    const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const { text, body } = await api.subscribe(aWebhook({ secrets: [secret] }));
    expect(text).not.toContain("MfKQ9r8GKYq");
    expect(body).toMatchObject({ secrets: 1 });
    expect((await stored(body.id)).sealedSecrets).not.toContain("MfKQ9r8GKYq");
    expect(JSON.stringify((await stored(body.id)).subscription)).not.toContain("MfKQ9r8GKYq");
    expect(await secretsOf(body.id)).toEqual([secret]);
  });

  test("stays unverified until it agrees; what came meanwhile waits", async () => {
    answerAs(refuse);
    const { body } = await api.subscribe(aWebhook());
    expect(body).toMatchObject({
      state: "unverified",
      state_reason: "challenge",
      verification: { ok: false, reason: "status", detail: "http_500" },
    });
    await api.publish(anEvent());
    const path = `/subscriptions/${body.id}`;
    expect((await api.ask("GET", `${path}/stats`)).body).toMatchObject({ total: 1, in_flight: 0 });
    const again = await api.ask("POST", `${path}/verify`);
    expect(again.body).toMatchObject({ state: "unverified", verification: { ok: false } });
    vi.restoreAllMocks();
    answerAs(agree);
    const verified = await api.ask("POST", `${path}/verify`);
    expect(verified.body).toMatchObject({ state: "active", verification: { ok: true } });
    expect((await api.ask("GET", `${path}/stats`)).body.total).toBe(1);
  });

  test("the operator may assume its ownership; a tenant may not", async () => {
    const fetched = answerAs(refuse);
    const assumed = aWebhook({}, { ownership: "assumed" });
    expect((await api.ask("POST", "/subscriptions", assumed)).status).toBe(403);
    const { body } = await api.subscribe(assumed, { as: ADMIN_KEY });
    expect(body).toMatchObject({ state: "active" });
    expect(fetched).not.toHaveBeenCalled();
  });

  test("a new URL proves itself and gets a new secret; the same one keeps both", async () => {
    answerAs(agree);
    const { body } = await api.subscribe(aWebhook());
    const path = `/subscriptions/${body.id}`;
    const target = { ...body.target, timeout_ms: 5000 };
    const same = await api.ask("PATCH", path, { target });
    expect(same.body).toMatchObject({ state: "active", target: { timeout_ms: 5000 } });
    expect(await secretsOf(body.id)).toEqual([body.secret]);
    vi.restoreAllMocks();
    answerAs(refuse);
    const moved = await api.ask("PATCH", path, {
      target: { kind: "webhook", url: "https://other.example.com/in" },
    });
    expect(moved.body).toMatchObject({ state: "unverified", secrets: 1 });
    expect(moved.body.secret).not.toBe(body.secret);
    expect(await secretsOf(body.id)).toEqual([moved.body.secret]);
    const pull = await api.ask("PATCH", path, { target: { kind: "pull" } });
    expect(pull.body).toMatchObject({ state: "active", secrets: 0 });
    expect(await secretsOf(body.id)).toEqual([]);
  });

  test("secrets rotate: the old ones sign until their end or until they are taken away, five at most", async () => {
    answerAs(agree);
    const { body } = await api.subscribe(aWebhook());
    const path = `/subscriptions/${body.id}`;
    const rotated = await api.ask("POST", `${path}/rotate-secret?keep_seconds=60`);
    expect(rotated.body).toMatchObject({ secrets: 2 });
    expect(await secretsOf(body.id)).toEqual([rotated.body.secret, body.secret]);
    expect(await secretsOf(body.id, Date.now() + 61_000)).toEqual([rotated.body.secret]);
    for (const count of [3, 4, 5])
      expect((await api.ask("POST", `${path}/rotate-secret`)).body.secrets).toBe(count);
    expect((await api.ask("POST", `${path}/rotate-secret`)).status).toBe(409);
    const newest = (await secretsOf(body.id))[0];
    const alone = await api.ask("DELETE", `${path}/secrets/old`);
    expect(alone.body).toMatchObject({ secrets: 1 });
    expect(alone.body).not.toHaveProperty("secret");
    expect(await secretsOf(body.id)).toEqual([newest]);
  });

  test("what only a webhook has is 409 for the others", async () => {
    const { body } = await api.subscribe(aPull());
    for (const [method, rest] of [
      ["POST", "/rotate-secret"],
      ["DELETE", "/secrets/old"],
      ["POST", "/verify"],
    ] as const)
      expect((await api.ask(method, `/subscriptions/${body.id}${rest}`)).status).toBe(409);
  });
});

describe("states", () => {
  test("paused waits, resumed goes on, both as often as one likes", async () => {
    const { body } = await api.subscribe(aPull());
    const path = `/subscriptions/${body.id}`;
    for (const [verb, state, reason] of [
      ["pause", "paused", "operator"],
      ["pause", "paused", "operator"],
      ["resume", "active", null],
      ["resume", "active", null],
    ] as const)
      expect((await api.ask("POST", `${path}/${verb}`)).body).toMatchObject({
        state,
        state_reason: reason,
        paused: state === "paused",
      });
  });

  test("a disabled one is enabled with a clean record; a pause in between is kept", async () => {
    answerAs(agree);
    const { body } = await api.subscribe(aWebhook());
    const path = `/subscriptions/${body.id}`;
    const before = await stored(body.id);
    await replaceSubscription(databaseFor(env, api.tenant), {
      ...before,
      version: before.version + 1,
      state: "disabled",
      stateReason: "failing",
      health: { failures: 9, failingSinceMs: 1000 },
    }).run();
    const view = (await api.ask("GET", path)).body;
    expect(view).toMatchObject({
      state: "disabled",
      state_reason: "failing",
      health: { failures: 9 },
    });
    const unpaused = await api.ask("POST", `${path}/resume`);
    expect([unpaused.status, unpaused.body.detail]).toEqual([
      409,
      "it is not paused but disabled (failing): …/enable lets it go on",
    ]);
    expect((await api.ask("POST", `${path}/pause`)).body.state).toBe("disabled");
    const enabled = await api.ask("POST", `${path}/enable`);
    expect(enabled.body).toMatchObject({
      state: "paused",
      health: { failures: 0, failing_since: null },
    });
    expect((await api.ask("POST", `${path}/resume`)).body.state).toBe("active");
  });

  test("an unverified one that is paused is not active by a resume", async () => {
    answerAs(refuse);
    const { body } = await api.subscribe(aWebhook({}, { paused: true }));
    expect(body.state).toBe("unverified");
    const resumed = await api.ask("POST", `/subscriptions/${body.id}/resume`);
    expect(resumed.body).toMatchObject({ state: "unverified", paused: false });
    const again = await api.ask("POST", `/subscriptions/${body.id}/resume`);
    expect(again.status).toBe(409);
    expect(again.body.detail).toBe(
      "it is not paused but unverified (challenge): …/verify asks its endpoint once more",
    );
  });
});
