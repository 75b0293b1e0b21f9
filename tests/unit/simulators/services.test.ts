/** The services of the ready sagas: once per key, taken back for good, refused, signed, and talkative. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { standardSignature } from "../../../simulators/receiver.ts";
import { type ServicesSimulator, startServices } from "../../../simulators/services/simulator.ts";

const SECRET = `whsec_${Buffer.from("a key of thirty-two bytes, or so").toString("base64")}`;

let services: ServicesSimulator;
beforeEach(async () => {
  services = await startServices({ people: [{ person: "per_1", name: "Ana" }] });
});
afterEach(() => services.stop());

async function call(
  action: string,
  key: string,
  input: Readonly<Record<string, unknown>> = {},
  headers: Readonly<Record<string, string>> = {},
) {
  const answer = await fetch(`${services.url}/t1/${action}`, {
    method: "POST",
    headers: { "content-type": "application/json", "idempotency-key": key, ...headers },
    body: JSON.stringify({ run: "r1", step: "s", action, input: { reference: "r1", ...input } }),
  });
  const body = (await answer.json()) as Record<string, unknown>;
  return { status: answer.status, body };
}
const done = () => services.effects().map(({ is, action }) => `${is} ${action}`);

describe("a thing", () => {
  test("is made once per key and once per reference", async () => {
    const first = await call("billing.charge", "k1");
    expect(first.status).toBe(200);
    expect(await call("billing.charge", "k1")).toEqual(first);
    expect(await call("billing.charge", "k2")).toEqual(first);
    expect((await call("billing.charge", "k3", { reference: "r2" })).body).not.toEqual(first.body);
    expect(done()).toEqual(["made billing.charge", "made billing.charge"]);
    expect(Object.keys(services.standing("t1", "r1"))).toEqual(["invoice"]);
  });

  test("is taken back once, and stays so", async () => {
    await call("billing.charge", "k1");
    expect((await call("billing.refund", "k2")).body).toEqual({ taken: true });
    expect((await call("billing.refund", "k3")).body).toEqual({ taken: false });
    expect((await call("billing.charge", "k4")).status).toBe(409);
    expect(services.standing("t1", "r1")).toEqual({});
    expect(done()).toEqual(["made billing.charge", "taken billing.refund"]);
  });

  test("taken back before it was made is never made", async () => {
    expect((await call("reservations.release", "k1")).body).toEqual({ taken: false });
    const late = await call("reservations.reserve", "k2");
    expect(late).toMatchObject({ status: 409, body: { error: { retryable: false } } });
    expect(done()).toEqual([]);
  });

  test("of another tenant is another thing", async () => {
    await call("billing.charge", "k1");
    expect(services.standing("t2", "r1")).toEqual({});
  });
});

describe("what is refused", () => {
  test("by plan, for one step of one run, and may be tried again", async () => {
    services.refuse({ action: "billing.charge", code: "card", run: "r1", step: "s", next: 1 });
    services.refuse({ action: "coverage.verify", code: "none", run: "another" });
    expect((await call("coverage.verify", "k0")).status).toBe(200);
    expect(await call("billing.charge", "k1")).toMatchObject({
      status: 422,
      body: { error: { code: "refused.card", retryable: false } },
    });
    expect((await call("billing.charge", "k1")).status).toBe(200);
  });

  test("calls without a key, of unknown actions, by another method", async () => {
    expect((await call("billing.charge", "")).status).toBe(400);
    expect((await call("billing.forget", "k")).status).toBe(404);
    expect((await fetch(`${services.url}/t1/billing.charge`)).status).toBe(405);
  });

  test("unsigned calls of a tenant that signs", async () => {
    services.register({ tenant: "t1", secret: SECRET });
    expect((await call("billing.charge", "k1")).status).toBe(401);
    const text = JSON.stringify({ input: { reference: "r1" } });
    const timestamp = String(Math.floor(Date.now() / 1000));
    const answer = await fetch(`${services.url}/t1/billing.charge`, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        "idempotency-key": "k1",
        "webhook-id": "m1",
        "webhook-timestamp": timestamp,
        "webhook-signature": standardSignature(SECRET, "m1", timestamp, text),
      },
      body: text,
    });
    expect(answer.status).toBe(200);
  });
});

describe("the side door", () => {
  const door = (path: string, body?: unknown) =>
    fetch(
      `${services.url}/_sim/${path}`,
      body === undefined ? {} : { method: "POST", body: JSON.stringify(body) },
    );

  test("plans refusals, opens accounts, shows effects", async () => {
    expect((await door("refuse", { action: "nothing" })).status).toBe(400);
    await door("refuse", { action: "billing.charge", code: "card", tenant: "t1", next: 1 });
    expect((await call("billing.charge", "k1")).status).toBe(422);
    await call("billing.charge", "k1");
    expect(await (await door("effects")).json()).toMatchObject([{ is: "made", key: "k1" }]);
    expect((await door("accounts", {})).status).toBe(400);
    expect((await door("accounts", { tenant: "t1", secret: SECRET })).status).toBe(201);
    expect((await call("billing.charge", "k2")).status).toBe(401);
  });

  test("faults come before or after the work", async () => {
    services.fault({ next: 1, kind: "reset-after", path: "/billing.charge" });
    await expect(call("billing.charge", "k1")).rejects.toThrow();
    services.fault({ next: 1, kind: "status" });
    expect(await call("billing.charge", "k1")).toMatchObject({
      status: 503,
      body: { error: { code: "busy", retryable: true } },
    });
    expect((await call("billing.charge", "k1")).status).toBe(200);
    expect(done()).toEqual(["made billing.charge"]);
    services.reset();
    expect(services.effects()).toEqual([]);
  });
});

test("talkative services say who it is about, in answers and in refusals", async () => {
  expect((await call("coverage.verify", "k1", { person: "per_1" })).body).not.toHaveProperty(
    "person",
  );
  services.talk(true);
  const said = await call("reservations.reserve", "k2", { person: "per_1" });
  expect(said.body).toMatchObject({ person: { name: "Ana" } });
  services.refuse({ action: "billing.charge", code: "card" });
  expect(JSON.stringify((await call("billing.charge", "k3", { person: "per_1" })).body)).toContain(
    "Ana",
  );
});

test("tells a tenant's data where each action is", () => {
  expect(services.bindings("t1", "signing")["billing.charge"]).toEqual({
    url: `${services.url}/t1/billing.charge`,
    secret: "signing",
  });
});
