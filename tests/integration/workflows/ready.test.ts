/** The ready workflows over the API: what each needs is listed, and one is installed once that is there. */
import { beforeAll, describe, expect, test, vi } from "vitest";
import { READY_WORKFLOWS } from "../../../domain/workflows/ready/list.ts";
import { type ApiTenant, apiTenant } from "./api-hub.ts";

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

const SERVICES = ["coverage.verify", "coverage.withdraw", "reservations.reserve"];
const MORE = ["reservations.release", "billing.charge", "billing.refund", "notifications.send"];

let hub: ApiTenant;
beforeAll(async () => {
  hub = await apiTenant();
});

const listed = async (id: string, of = hub) => {
  const { status, body } = await of.ask("GET", "/workflows/ready");
  expect(status).toBe(200);
  return body.items.find((one: { id: string }) => one.id === id);
};
const bind = async (actions: readonly string[]) => {
  for (const action of actions) {
    const url = `https://services.example.com/${action}`;
    expect((await hub.ask("PUT", `/workflow-services/${action}`, { url })).status).toBe(200);
  }
};
const install = (id: string, of = hub) => of.ask("POST", `/workflows/ready/${id}/install`);

describe("a tenant that has nothing", () => {
  test("is shown every ready workflow with what is missing", async () => {
    const { body } = await hub.ask("GET", "/workflows/ready");
    expect(body.items.map(({ id }: { id: string }) => id)).toEqual(
      READY_WORKFLOWS.map(({ id }) => id),
    );
    const { actions, secrets, definition } = await listed("agent-onboarding");
    expect(actions).toContainEqual({ name: "agents.create", bound: false });
    expect(secrets).toEqual([{ name: "channel-token", present: false }]);
    expect(definition.compensation.create).toBe("remove-agent");
  });

  test("cannot install one: every missing service is named", async () => {
    const { status, body } = await install("booking-billing");
    expect(status).toBe(422);
    const faults = body.faults as { reason: string; message: string; line: number }[];
    expect(new Set(faults.map(({ reason }) => reason))).toEqual(new Set(["unknown_action"]));
    for (const name of [...SERVICES, ...MORE])
      expect(faults.some(({ message }) => message.includes(name))).toBe(true);
    expect((await hub.ask("GET", "/workflows/booking-billing")).status).toBe(404);
  });
});

describe("with services", () => {
  test("half of them is not enough; all of them is", async () => {
    await bind(SERVICES);
    expect((await listed("booking-billing")).actions).toContainEqual({
      name: "coverage.verify",
      bound: true,
    });
    expect((await install("booking-billing")).status).toBe(422);
    await bind(MORE);
    const installed = await install("booking-billing");
    expect(installed).toMatchObject({
      status: 200,
      body: { workflow: "booking-billing", version: "1.0.0", active: true },
    });
    expect((await install("booking-billing")).body.digest).toBe(installed.body.digest);
    const versions = await hub.ask("GET", "/workflows/booking-billing/versions");
    expect(versions.body.items).toHaveLength(1);
  });

  test("its own source is what it says it is", async () => {
    const { body } = await hub.ask("GET", "/workflows/booking-billing/versions/1.0.0");
    const { definition } = await listed("booking-billing");
    expect(body.definition).toEqual(definition);
  });

  test("a secret that is there is shown as such, never its value", async () => {
    await hub.ask("PUT", "/secrets/channel-token", { value: "zqtoken" });
    const { text } = await hub.ask("GET", "/workflows/ready");
    expect((await listed("agent-onboarding")).secrets).toEqual([
      { name: "channel-token", present: true },
    ]);
    expect(text).not.toContain("zqtoken");
  });

  test("an input that names somebody is refused before a run begins, and is not repeated", async () => {
    const input = {
      person: "Ana zqname",
      service: "srv_physio",
      slot: "slot_0912",
      amount: { minor: 1, currency: "EUR" },
    };
    const started = await hub.ask("POST", "/workflows/booking-billing/runs", { input });
    expect(started.status).toBe(422);
    expect(started.text).toContain("/person");
    expect(started.text).not.toContain("zqname");
  });
});

describe("strangers and wrong names", () => {
  test("what is not ready is not found", async () => {
    expect((await install("nothing-of-the-kind")).status).toBe(404);
  });

  test("another tenant has none of it", async () => {
    const other = await apiTenant();
    expect((await listed("booking-billing", other)).actions).toContainEqual({
      name: "coverage.verify",
      bound: false,
    });
    expect((await install("booking-billing", other)).status).toBe(422);
  });

  test("reading does not suffice to install", async () => {
    const reader = await apiTenant(["workflows:read"]);
    expect((await reader.ask("GET", "/workflows/ready")).status).toBe(200);
    expect((await install("booking-billing", reader)).status).toBe(403);
  });

  test("a definition of the tenant's own under that id and version is not overwritten", async () => {
    const other = await apiTenant();
    const steps = [{ id: "note", type: "action", action: "transform" }];
    const own = { id: "booking-billing", name: "Own", version: "1.0.0", steps };
    expect((await other.ask("POST", "/workflows", own)).status).toBe(201);
    for (const action of [...SERVICES, ...MORE])
      await other.ask("PUT", `/workflow-services/${action}`, { url: "https://a.example.com" });
    expect((await install("booking-billing", other)).status).toBe(409);
    const { body } = await other.ask("GET", "/workflows/booking-billing");
    expect(body.name).toBe("Own");
  });
});
