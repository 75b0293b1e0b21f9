import { describe, expect, test, vi } from "vitest";
import * as z from "zod";
import { env, testApi } from "./hub-api.ts";

const hub = testApi();

describe("what it tells about itself", () => {
  test("an OpenAPI 3.1 document with every operation, its scope and the error shape", async () => {
    const { body, status } = await hub.ask("GET", "/openapi.json", { key: null });
    expect(status).toBe(200);
    expect(body.openapi).toBe("3.1.0");
    const ids = Object.entries<Record<string, { operationId: string }>>(body.paths)
      .filter(([path]) => !/^\/(webhooks|media)\//.test(path))
      .flatMap(([, methods]) => Object.values(methods))
      .map(({ operationId }) => operationId);
    expect(ids.sort()).toEqual(hub.api.routes.map((spec) => spec.id).sort());
    const create = body.paths["/tenants"].post;
    expect(create.security).toEqual([{ bearer: [] }, { apiKey: [] }]);
    expect(create.description).toContain("`tenants:write`");
    const schema = create.requestBody.content["application/json"].schema;
    expect(schema.additionalProperties).toBe(false);
    expect(schema.required).toEqual(["id"]);
    expect(create.responses.default.content["application/problem+json"].schema.$ref).toBe(
      "#/components/schemas/Problem",
    );
    expect(Object.keys(body.components.securitySchemes)).toEqual(
      expect.arrayContaining(["bearer", "apiKey"]),
    );
    const names = body.paths["/tenants/{tenant}"].get.parameters.map(
      (each: { name: string }) => each.name,
    );
    expect(names).toEqual(["tenant"]);
  });

  test("a page without anything from elsewhere, under a policy that says so", async () => {
    const page = await hub.ask("GET", "/docs", { key: null });
    expect(page.headers.get("content-security-policy")).toContain("default-src 'none'");
    expect(page.text).not.toMatch(/https?:\/\/|<script>|onload=|style="/);
    for (const path of ["/docs/page.js", "/docs/page.css"]) {
      expect(page.text).toContain(path);
      expect((await hub.ask("GET", path, { key: null })).status).toBe(200);
    }
    const script = await hub.ask("GET", "/docs/page.js", { key: null });
    expect(script.text).not.toMatch(/innerHTML|eval|document\.write/);
  });

  test("health: each dependency by name; D1 gone is down, R2 gone is degraded", async () => {
    // A dependency that answers late, on a busy machine, is not well; it comes back.
    const well = await vi.waitFor(async () => {
      const answer = await hub.ask("GET", "/health", { key: null });
      expect(answer.body.status).toBe("healthy");
      return answer;
    }, 20_000);
    expect(well.status).toBe(200);
    expect(Object.keys(well.body.checks)).toEqual(
      expect.arrayContaining(["d1", "r2", "conversation", "downstream", "metrics", "queues"]),
    );
    for (const [name, check] of Object.entries<{ status: string }>(well.body.checks)) {
      expect([name, check.status]).toEqual([name, "healthy"]);
    }
    const { createApi } = await import("../../../workers/api.ts");
    const without = async (binding: object) => {
      const api = createApi({ ...hub.deps, env: { ...env, ...binding } });
      const response = await api.fetch(
        new Request("https://hub.test/health"),
        env,
        {} as ExecutionContext,
      );
      return {
        status: response.status,
        body: z.looseObject({ status: z.string() }).parse(await response.json()),
      };
    };
    const rejects = () => Promise.reject(new Error("gone"));
    const noR2 = await without({ STORE: { head: rejects } });
    expect([noR2.status, noR2.body.status]).toEqual([200, "degraded"]);
    const noD1 = await without({ DB: { prepare: () => ({ first: rejects }) } });
    expect([noD1.status, noD1.body.status]).toEqual([503, "down"]);
  });
});
