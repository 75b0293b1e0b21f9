/** The OpenAPI document: what makes it valid, and that everything the hub promises by name stands in it. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { isDoor, refsIn } from "../../support/api/document.ts";
import { sendRaw } from "../../support/api/wire.ts";
import { type ApiWorld, startApiWorld } from "../../support/api/world.ts";

let world: ApiWorld;

beforeAll(async () => {
  world = await startApiWorld();
});
afterAll(() => world?.stop());

/** The routes that the hub's users were promised by name. */
const PROMISED: readonly (readonly [method: string, path: string])[] = [
  ["POST", "/webhooks/evolution"],
  ["POST", "/webhooks/evolution/{connection}"],
  ["POST", "/webhooks/discord"],
  ["POST", "/webhooks/discord/{connection}"],
  ["POST", "/webhooks/slack"],
  ["POST", "/webhooks/slack/{connection}"],
  ["POST", "/messages/send"],
  ["POST", "/messages/unified"],
  ["GET", "/messages/history"],
  ["GET", "/messages/history/{tenant}"],
  ["POST", "/instances/create"],
  ["GET", "/instances/{id}"],
  ["GET", "/instances/qr/{id}"],
  ["DELETE", "/instances/{id}"],
  ["GET", "/tenants"],
  ["POST", "/tenants"],
  ["GET", "/tenants/{tenant}"],
  ["PATCH", "/tenants/{tenant}"],
  ["DELETE", "/tenants/{tenant}"],
  ["GET", "/health"],
  ["GET", "/metrics"],
  ["GET", "/media/{tenant}/{month}/{message}/{index}"],
];

describe("the document", () => {
  test.each(PROMISED)("has %s %s", (method, path) => {
    const found = world.operations.find((one) => one.method === method && one.path === path);
    expect(found?.id).toBeTruthy();
  });

  test("is OpenAPI 3.1 with a title and a version, and served as JSON", async () => {
    const answer = await world.ask("GET", "/openapi.json");
    expect(answer.headers.get("content-type")).toBe("application/json");
    expect(answer.body).toMatchObject({
      openapi: "3.1.0",
      info: {
        title: "omni-edge",
        version: expect.stringMatching(/^\d+\.\d+\.\d+$/),
        license: { identifier: "MIT" },
      },
      servers: [{ url: world.hub.url }],
    });
  });

  test("gives every operation an id of its own", () => {
    const ids = world.operations.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const id of ids) expect(id).toMatch(/^[a-z][A-Za-z0-9]+$/);
  });

  test("has a target for every reference", () => {
    const names = Object.keys(world.document.components.schemas);
    const refs = refsIn(world.document);
    expect(refs.length).toBeGreaterThan(100);
    const targets = names.map((name) => `#/components/schemas/${name}`);
    expect([...new Set(refs)].filter((ref) => !targets.includes(ref))).toEqual([]);
  });

  test("declares every path parameter, once and as required, and none that the path has not", () => {
    for (const { path, parameters } of world.operations) {
      const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      const declared = parameters.filter((one) => one.in === "path");
      expect([path, declared.map(({ name }) => name).toSorted()]).toEqual([
        path,
        inPath.toSorted(),
      ]);
      expect(declared.every(({ required }) => required)).toBe(true);
    }
  });

  test("gives every operation a summary, tags, an answer that is a success or a redirect, and says who may call", () => {
    const schemes = Object.keys(world.document.components.securitySchemes);
    const known = world.document.tags.map(({ name }) => name);
    for (const { id, summary, tags, responses, security } of world.operations) {
      expect([id, known.includes(tags[0] ?? "")]).toEqual([id, true]);
      expect([id, Object.keys(responses).some((status) => /^4/.test(status))]).toEqual([id, true]);
      expect([id, summary.length > 5, tags.length]).toEqual([id, true, 1]);
      expect([id, Object.keys(responses).some((status) => /^2/.test(status))]).toEqual([id, true]);
      const named = security?.flatMap((each) => Object.keys(each));
      expect([id, named?.every((name) => schemes.includes(name))]).toEqual([id, true]);
    }
  });

  test("describes the body of every refusal", () => {
    for (const operation of world.operations) {
      for (const [status, { content }] of Object.entries(operation.responses)) {
        if (status !== "default" && Number(status) < 400) continue;
        const own = operation.id === "getHealth" && status === "503";
        const type = own ? "application/json" : "application/problem+json";
        expect([operation.id, status, Object.keys(content ?? {})]).toEqual([
          operation.id,
          status,
          [type],
        ]);
      }
    }
  });
});

describe("the doors answer as they are described", () => {
  const statuses = (id: string) =>
    Object.keys(world.operations.find((one) => one.id === id)?.responses ?? {});

  test.each(["evolution", "discord", "slack"])("%s", async (word) => {
    const path = `/webhooks/${word}/acme-${word === "evolution" ? "whatsapp" : word}`;
    const large = {
      method: "POST",
      path,
      headers: { "content-type": "application/json" },
      body: "x".repeat(3 * 1024 * 1024),
    };
    const answers = [
      await world.ask("POST", path, { body: {} }),
      await world.ask("POST", `/webhooks/${word}/nobody`, { body: {} }),
      await world.ask("POST", `/webhooks/${word}`, { body: {} }),
      await world.ask("GET", path),
      await world.ask("POST", path, { body: "<a/>", headers: { "content-type": "text/xml" } }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([401, 404, 404, 405, 415]);
    expect(statuses(`${word}ConnectionWebhook`)).toContain("413");
    expect((await sendRaw(world.hub.url, large)).status).toBe(413);
    for (const { status, headers, body } of answers) {
      expect(statuses(`${word}ConnectionWebhook`)).toContain(String(status));
      expect(headers.get("content-type")).toBe("application/problem+json");
      expect([body.status, typeof body.code, typeof body.title]).toEqual([
        status,
        "string",
        "string",
      ]);
    }
  });

  test("a file comes by the link the API gives, and by nothing else", async () => {
    const { acme, globex } = world;
    const link = await world.ask("GET", `/messages/${acme.message}/media/0`, {
      key: acme.keys.all,
    });
    const url = new URL(link.body.url);
    const got = await world.ask("GET", url.pathname + url.search);
    expect([got.status, got.headers.get("content-disposition")]).toEqual([200, "attachment"]);
    const foreign = await world.ask("GET", `/${globex.mediaKey}${url.search}`);
    const bare = await world.ask("GET", url.pathname, { key: acme.keys.all });
    const late = await world.ask(
      "GET",
      `${url.pathname}${url.search.replace(/expires=\d+/, "expires=1000000000")}`,
    );
    expect([foreign.status, bare.status, late.status]).toEqual([404, 404, 404]);
    expect((await world.ask("POST", url.pathname + url.search)).status).toBe(405);
  });

  test("no other operation of the document is a door", () => {
    expect(world.operations.filter(isDoor).map(({ id }) => id)).toHaveLength(7);
  });
});
