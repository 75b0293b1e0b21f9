/** Which version new runs get, over the API; and who may see and change any of it. */
import { beforeAll, describe, expect, test } from "vitest";
import { type ApiTenant, apiTenant, noting } from "./api-hub.ts";

let hub: ApiTenant;
beforeAll(async () => {
  hub = await apiTenant();
});
const upload = (definition: unknown) => hub.ask("POST", "/workflows", definition);

describe("new runs' version", () => {
  const view = (id: string) => hub.ask("GET", `/workflows/${id}`);
  const versions = async (id: string) => {
    const { body } = await hub.ask("GET", `/workflows/${id}/versions`);
    return Object.fromEntries(
      body.items.map((one: { version: string; state: string }) => [one.version, one.state]),
    );
  };

  test("is the first one until another is promoted; and back", async () => {
    for (const version of ["1.0.0", "1.1.0", "2.0.0"]) await upload(noting("steps", version));
    expect(await versions("steps")).toEqual({
      "1.0.0": "active",
      "1.1.0": "stored",
      "2.0.0": "stored",
    });
    const promoted = await hub.ask("POST", "/workflows/steps/promote", { version: "2.0.0" });
    expect(promoted.body).toMatchObject({ active: "2.0.0", previous: "1.0.0", revision: 2 });
    const same = await hub.ask("POST", "/workflows/steps/promote", { version: "2.0.0" });
    expect(same.body.revision).toBe(2);
    const back = await hub.ask("POST", "/workflows/steps/rollback");
    expect(back.body).toMatchObject({ active: "1.0.0", previous: "2.0.0" });
    const unknown = await hub.ask("POST", "/workflows/steps/promote", { version: "9.0.0" });
    expect([unknown.status, unknown.body.detail]).toEqual([404, "no such version"]);
  });

  test("without a version before cannot be rolled back", async () => {
    await upload(noting("first"));
    expect((await hub.ask("POST", "/workflows/first/rollback")).status).toBe(409);
  });

  test("may be rolled out to a part, which promoting ends", async () => {
    for (const version of ["1.0.0", "2.0.0"]) await upload(noting("part", version));
    const rollout = { version: "2.0.0", percent: 12.5, keys: ["vip", "vip"] };
    const out = await hub.ask("PUT", "/workflows/part/rollout", rollout);
    expect(out.body.rollout).toEqual({ version: "2.0.0", percent: 12.5, keys: ["vip"] });
    expect(await versions("part")).toEqual({ "1.0.0": "active", "2.0.0": "rollout" });
    for (const [body, status] of [
      [{ version: "1.0.0", percent: 5 }, 422],
      [{ version: "3.0.0", percent: 5 }, 404],
      [{ version: "2.0.0", percent: 101 }, 400],
      [{ version: "2.0.0", keys: [""] }, 400],
    ] as const)
      expect((await hub.ask("PUT", "/workflows/part/rollout", body)).status).toBe(status);
    expect((await hub.ask("DELETE", "/workflows/part/rollout")).body.rollout).toBeNull();
    await hub.ask("PUT", "/workflows/part/rollout", rollout);
    const { body } = await hub.ask("POST", "/workflows/part/promote", { version: "2.0.0" });
    expect([body.active, body.rollout]).toEqual(["2.0.0", null]);
  });

  test("is guarded by If-Match", async () => {
    await upload(noting("guarded"));
    await upload(noting("guarded", "2.0.0"));
    const etag = (await view("guarded")).headers.get("etag") ?? "";
    const promote = (version: string) =>
      hub.ask("POST", "/workflows/guarded/promote", { version }, { "if-match": etag });
    expect((await promote("2.0.0")).status).toBe(200);
    expect((await promote("1.0.0")).status).toBe(412);
  });

  test("is given to none while the workflow is paused or gone; its versions stay what they were", async () => {
    await upload(noting("gone"));
    const start = () => hub.ask("POST", "/workflows/gone/runs", {});
    expect((await hub.ask("POST", "/workflows/gone/pause")).body.paused).toBe(true);
    expect((await start()).status).toBe(409);
    expect((await hub.ask("POST", "/workflows/gone/resume")).body.paused).toBe(false);
    expect((await start()).status).toBe(202);
    expect((await hub.ask("DELETE", "/workflows/gone")).status).toBe(204);
    expect([(await view("gone")).status, (await start()).status]).toEqual([404, 404]);
    expect((await hub.ask("DELETE", "/workflows/gone")).status).toBe(404);
    const other = await upload(noting("gone", "1.0.0", { description: "another one" }));
    expect(other.status).toBe(409);
    expect((await upload(noting("gone"))).status).toBe(200);
    expect((await view("gone")).body.active).toBe("1.0.0");
  });
});

describe("another tenant", () => {
  test("sees and changes nothing of it", async () => {
    await upload(noting("private"));
    const stranger = await apiTenant();
    for (const [method, path, body] of [
      ["GET", "/workflows/private"],
      ["GET", "/workflows/private/versions"],
      ["GET", "/workflows/private/versions/1.0.0"],
      ["GET", "/workflows/private/versions/1.0.0/source"],
      ["GET", "/workflows/private/graph"],
      ["GET", "/workflows/private/diff?from=1.0.0&to=1.0.0"],
      ["POST", "/workflows/private/promote", { version: "1.0.0" }],
      ["POST", "/workflows/private/rollback"],
      ["POST", "/workflows/private/pause"],
      ["PUT", "/workflows/private/rollout", { version: "1.0.0" }],
      ["DELETE", "/workflows/private"],
      ["POST", "/workflows/private/runs", {}],
      ["GET", "/workflows/private/report"],
    ] as const)
      expect([path, (await stranger.ask(method, path, body)).status]).toEqual([path, 404]);
    expect((await stranger.ask("GET", "/workflows")).body.items).toEqual([]);
  });

  test.each([
    [["workflows:read"], "GET", "/workflows", 200],
    [["workflows:read"], "POST", "/workflows", 403],
    [["workflows:write"], "GET", "/workflows", 403],
    [["runs:read"], "GET", "/workflows", 403],
    [["workflows:*"], "GET", "/runs", 403],
    [["workflows:*"], "GET", "/secrets", 403],
    [["workflows:*"], "GET", "/data", 403],
    [["runs:read"], "POST", "/workflows/x/runs", 403],
  ] as const)("with %j: %s %s is %i", async (scopes, method, path, status) => {
    const { ask } = await apiTenant(scopes);
    expect((await ask(method, path, method === "POST" ? {} : undefined)).status).toBe(status);
  });
});
