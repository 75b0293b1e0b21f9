/** Limits of what a tenant may keep and ask, and of what an action sends: taken at the limit, refused one above it. */
import { describe, expect, test, vi } from "vitest";
import { DATA_KEYS_MAX, DATA_VALUE_CHARS_MAX } from "../../../platform/repositories/tenant-data.ts";
import {
  TENANT_VERSIONS_MAX,
  WORKFLOW_VERSIONS_MAX,
} from "../../../platform/repositories/workflow-insight.ts";
import { REPORT_WINDOWS_MAX } from "../../../schema/api/workflow-report.ts";
import type { ActionContext } from "../../../workers/workflows/actions/action.ts";
import { CALL_BODY_BYTES_MAX } from "../../../workers/workflows/actions/call.ts";
import { runAction } from "../../../workers/workflows/actions/run-action.ts";
import { SERVICES_KEY, SERVICES_MAX } from "../../../workers/workflows/actions/service.ts";
import { tenantWith } from "./acting.ts";
import { apiTenant, noting } from "./api-hub.ts";
import { env } from "./running.ts";

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const ROWS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)";

/** So many versions that are not looked at again. */
async function versions(tenant: string, count: number, id: string): Promise<void> {
  await env.DB.prepare(
    `${ROWS} INSERT INTO workflows (tenant_id, id, version, name, source, definition, digest, created_at)
     SELECT ?2, ${id}, '0.0.' || i, 'n', '', '{}', '', 0 FROM n`,
  )
    .bind(count, tenant)
    .run();
}

describe("a tenant", () => {
  test("has WORKFLOW_VERSIONS_MAX versions of a workflow, and the 409 says so", async () => {
    const hub = await apiTenant();
    await versions(hub.tenant, WORKFLOW_VERSIONS_MAX - 1, "'w'");
    const put = async (version: string) => hub.ask("POST", "/workflows", noting("w", version));
    expect((await put("1.0.0")).status).toBe(201);
    const above = await put("1.0.1");
    expect([above.status, above.text.includes(`${WORKFLOW_VERSIONS_MAX}`)]).toEqual([409, true]);
    expect((await put("1.0.0")).status).toBe(200);
  });

  test("has TENANT_VERSIONS_MAX versions of all workflows", async () => {
    const hub = await apiTenant();
    await versions(hub.tenant, TENANT_VERSIONS_MAX - 1, "'w' || i");
    expect((await hub.ask("POST", "/workflows", noting("last"))).status).toBe(201);
    expect((await hub.ask("POST", "/workflows", noting("more"))).status).toBe(409);
  });

  test("has SERVICES_MAX services", async () => {
    const hub = await apiTenant();
    const url = "https://services.example.com/";
    const value = Object.fromEntries(
      Array.from({ length: SERVICES_MAX - 1 }, (_, n) => [`svc.n${n}`, { url }]),
    );
    await env.DB.prepare(
      "INSERT INTO tenant_data (tenant_id, key, value, revision, updated_at) VALUES (?, ?, ?, 1, 0)",
    )
      .bind(hub.tenant, SERVICES_KEY, JSON.stringify(value))
      .run();
    const put = async (name: string) => hub.ask("PUT", `/workflow-services/${name}`, { url });
    expect((await put("svc.last")).status).toBe(200);
    expect((await put("svc.more")).status).toBe(409);
    expect((await put("svc.n0")).status).toBe(200);
  });

  test("has DATA_KEYS_MAX keys of data, each of DATA_VALUE_CHARS_MAX", async () => {
    const hub = await apiTenant();
    await env.DB.prepare(
      `${ROWS} INSERT INTO tenant_data (tenant_id, key, value, revision, updated_at) SELECT ?2, 'k' || i, '1', 1, 0 FROM n`,
    )
      .bind(DATA_KEYS_MAX - 1, hub.tenant)
      .run();
    const text = (chars: number) => "x".repeat(chars - 2);
    const put = async (key: string, value: unknown) => hub.ask("PUT", `/data/${key}`, { value });
    expect((await put("last", text(DATA_VALUE_CHARS_MAX))).status).toBe(201);
    expect((await put("more", 1)).status).toBe(409);
    expect((await put("last", text(DATA_VALUE_CHARS_MAX + 1))).status).toBe(413);
  });

  test("gets REPORT_WINDOWS_MAX windows of one report", async () => {
    const hub = await apiTenant();
    await hub.ask("POST", "/workflows", noting("w"));
    const sinceMs = Date.UTC(2026, 0, 1);
    const status = async (windows: number) => {
      const [since, until] = [sinceMs, sinceMs + windows * 3_600_000].map((atMs) =>
        new Date(atMs).toISOString(),
      );
      const path = `/workflows/w/report?window=hour&since=${since}&until=${until}`;
      return (await hub.ask("GET", path)).status;
    };
    expect([await status(REPORT_WINDOWS_MAX), await status(REPORT_WINDOWS_MAX + 1)]).toEqual([
      200, 400,
    ]);
  });
});

describe("a call", () => {
  test("sends CALL_BODY_BYTES_MAX bytes, and no byte more", async () => {
    const { hub, asked } = await tenantWith();
    const context: ActionContext = {
      ...{ env, tenant: hub.tenant, run: "r", step: "s", stepId: "s", attempt: 1 },
      ...{ idempotencyKey: "r/s/0", startedAtMs: 0, signal: AbortSignal.timeout(60_000) },
    };
    const send = (bytes: number) => {
      // Two bytes a character, and one for the odd one.
      const body = "ü".repeat(Math.floor(bytes / 2)) + "x".repeat(bytes % 2);
      return runAction(context, "http.request", { url: `${hub.origin}/x`, body }, undefined);
    };
    expect((await send(CALL_BODY_BYTES_MAX)).ok).toBe(true);
    expect(await send(CALL_BODY_BYTES_MAX + 1)).toMatchObject({
      failure: { reason: "body_too_large", retryable: false },
    });
    expect(asked).toHaveLength(1);
  });
});
