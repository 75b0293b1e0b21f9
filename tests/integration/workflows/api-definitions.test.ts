/** Definitions over the API: what may be uploaded, what it says when not, versions, differences and pictures. */
import { Validator } from "@cfworker/json-schema";
import { beforeAll, describe, expect, test } from "vitest";
import { type ApiTenant, apiTenant, asking, noting } from "./api-hub.ts";

const YAML = `id: hello
name: Hello
version: 1.0.0
# a comment stays in the source
steps:
  - id: greet
    type: action
    action: transform
    with: { text: "Hello {{ input.name }}" }
`;

const CNCF = `document: { dsl: "1.0.0", namespace: demo, name: imported, version: "0.1.0" }
do:
  - first: { set: { greeting: "hello" } }
`;

let hub: ApiTenant;
beforeAll(async () => {
  hub = await apiTenant();
});
const upload = (definition: unknown, headers = {}) =>
  hub.ask("POST", "/workflows", definition, headers);

describe("an upload", () => {
  test("is stored once: 201, then 200; another definition of that version is 409", async () => {
    const first = await upload(noting("once"));
    expect([first.status, first.body]).toEqual([
      201,
      {
        workflow: "once",
        version: "1.0.0",
        name: "Notes of once",
        digest: expect.stringMatching(/^[0-9a-f]{64}$/),
        active: true,
        notes: [],
      },
    ]);
    const again = await upload(noting("once"));
    expect([again.status, again.body]).toEqual([200, first.body]);
    const { steps, ...rest } = noting("once");
    const reordered = await upload({ steps, ...rest });
    expect(reordered.status).toBe(200);
    const other = await upload(noting("once", "1.0.0", { description: "another one" }));
    expect([other.status, other.body.code]).toEqual([409, "conflict"]);
    const versions = await hub.ask("GET", "/workflows/once/versions");
    expect(versions.body.items).toHaveLength(1);
  });

  test("may be YAML, as the body or as a text, and its source is kept to the character", async () => {
    const made = await upload(YAML, { "content-type": "application/yaml" });
    expect(made.status).toBe(201);
    const asText = await upload({ source: YAML });
    expect([asText.status, asText.body.digest]).toEqual([200, made.body.digest]);
    const source = await hub.ask("GET", "/workflows/hello/versions/1.0.0/source");
    expect([source.status, source.headers.get("content-type"), source.text]).toEqual([
      200,
      "application/yaml",
      YAML,
    ]);
    const detail = await hub.ask("GET", "/workflows/hello/versions/1.0.0");
    expect(detail.body).toMatchObject({
      workflow: "hello",
      state: "active",
      source: YAML,
      definition: { steps: [{ id: "greet", action: "transform" }] },
    });
  });

  test("of the Serverless Workflow DSL becomes a definition of ours", async () => {
    const made = await upload(CNCF, { "content-type": "application/yaml" });
    expect([made.status, made.body.version]).toEqual([201, "0.1.0"]);
    const { body } = await hub.ask("GET", `/workflows/${made.body.workflow}/versions/0.1.0`);
    expect(body.definition.steps[0].type).toBe("set");
    const bad = await upload(CNCF.replace("set: { greeting", "call: grpc, with: { greeting"), {
      "content-type": "application/yaml",
    });
    expect([bad.status, bad.body.faults.length > 0]).toEqual([422, true]);
    expect(bad.body.faults[0]).toMatchObject({ line: 3, path: expect.stringContaining("/do/0") });
  });

  test("names every fault at once, each with line, column, path and reason", async () => {
    const text = `id: broken
name: Broken
version: 1.0.0
steps:
  - id: a
    type: action
    action: no.such
    next: nowhere
  - id: b
    type: decision
    condition: "input.x ="
    next: [a]
  - id: lonely
    type: action
compensation:
  a: nobody
`;
    const answer = await upload(text, { "content-type": "text/yaml" });
    expect([answer.status, answer.body.code]).toEqual([422, "unprocessable"]);
    const { faults } = answer.body;
    for (const fault of faults)
      expect(fault).toEqual({
        line: expect.any(Number),
        column: expect.any(Number),
        path: expect.any(String),
        reason: expect.any(String),
        message: expect.any(String),
      });
    const told = faults.map(({ reason, line }: Record<string, unknown>) => [reason, line]);
    expect(told).toEqual(
      expect.arrayContaining([
        ["unknown_action", 7],
        ["unknown_step", 8],
        ["expression", 11],
        ["missing_action", 13],
        ["unknown_compensation", 16],
      ]),
    );
    expect(faults.find(({ reason }: { reason: string }) => reason === "unknown_step").path).toBe(
      "steps[0].next",
    );
    expect((await hub.ask("GET", "/workflows/broken")).status).toBe(404);
  });

  test("with schemas that are none tells where", async () => {
    const definition = {
      ...noting("schemas"),
      input: { type: "objekt", required: "amount" },
      steps: [
        { id: "ask", type: "approval", title: "Ok?", form: { properties: { a: { type: 5 } } } },
      ],
    };
    const { status, body } = await upload(JSON.stringify(definition));
    expect(status).toBe(422);
    expect(body.faults.map(({ path }: { path: string }) => path)).toEqual([
      "steps[0].form.properties.a.type",
      "input.type",
    ]);
  });

  test("of broken JSON says where it breaks", async () => {
    const broken = await upload('{\n "id": "x",\n "steps": [}\n}');
    expect([broken.status, broken.body.code]).toEqual([400, "invalid_json"]);
    expect(broken.body.detail).toMatch(/^line 3, column \d+: /);
    const yaml = await upload("id: x\nname: X\n", { "content-type": "application/json" });
    expect([yaml.status, yaml.body.detail]).toEqual([400, expect.stringContaining("YAML")]);
  });

  test("of JSON tells places in the body's own text", async () => {
    const text =
      '{\n "id": "x", "name": "X", "version": "1.0.0",\n "steps": [\n  {"id": "a", "type": "action", "action": "transform", "next": "b"}\n ]\n}';
    const { body } = await upload(text);
    expect(body.faults).toMatchObject([{ line: 4, path: "steps[0].next", reason: "unknown_step" }]);
  });

  test.each([
    ["nothing", "", {}, 400],
    ["no JSON", "{", {}, 400],
    ["a list", "[]", {}, 400],
    ["another media type", "<a/>", { "content-type": "text/xml" }, 415],
    ["a control character", "\u0000", { "content-type": "application/yaml" }, 422],
    ["a tenant in it", JSON.stringify({ ...noting("x"), tenant: "y" }), {}, 400],
    ["source beside others", '{"source":"id: x","id":"x"}', {}, 400],
    ["too large a text", "#".repeat(140_000), { "content-type": "application/yaml" }, 422],
    ["beyond a body", "#".repeat(1_100_000), { "content-type": "application/yaml" }, 413],
    ["an id that is a path of its own", JSON.stringify(noting("schema")), {}, 422],
  ])("of %s is refused", async (_, body, headers, status) => {
    const answer = await upload(body, headers);
    expect([answer.status, answer.headers.get("content-type")]).toEqual([
      status,
      "application/problem+json",
    ]);
  });

  test("is only looked at by validate", async () => {
    const dry = await hub.ask("POST", "/workflows/validate", noting("dry"));
    expect([dry.status, dry.body.outcome]).toEqual([200, "create"]);
    expect((await hub.ask("GET", "/workflows/dry")).status).toBe(404);
    await upload(noting("dry"));
    const outcomes = await Promise.all(
      [noting("dry"), noting("dry", "1.0.0", { description: "x" })].map((definition) =>
        hub.ask("POST", "/workflows/validate", definition),
      ),
    );
    expect(outcomes.map(({ body }) => body.outcome)).toEqual(["nothing", "conflict"]);
    expect((await hub.ask("POST", "/workflows/validate", { id: "x" })).status).toBe(422);
  });

  test("twenty times at once is one version", async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => upload(noting("race"))));
    const created = answers.filter(({ status }) => status === 201);
    expect([created.length, new Set(answers.map(({ text }) => text)).size]).toEqual([1, 1]);
  });
});

describe("two versions", () => {
  test("are compared by step and field", async () => {
    await upload(noting("diff"));
    const steps = [
      { id: "note", type: "action", action: "transform", with: { noted: false }, next: "more" },
      { id: "more", type: "wait", for: "1s" },
    ];
    await upload(noting("diff", "1.1.0", { steps, description: "longer" }));
    const { body } = await hub.ask("GET", "/workflows/diff/diff?from=1.0.0&to=1.1.0");
    expect(body).toEqual({
      ...{ workflow: "diff", from: "1.0.0", to: "1.1.0", same: false, start_moved: false },
      ...{ added: ["more"], removed: [] },
      changed: [
        {
          step: "note",
          fields: [
            { path: "with.noted", before: true, after: false },
            { path: "next", after: "more" },
          ],
        },
      ],
      fields: [{ path: "description", after: "longer" }],
    });
    const same = await hub.ask("GET", "/workflows/diff/diff?from=1.0.0&to=1.0.0");
    expect(same.body.same).toBe(true);
    expect((await hub.ask("GET", "/workflows/diff/diff?from=1.0.0&to=7.0.0")).status).toBe(404);
    expect((await hub.ask("GET", "/workflows/diff/diff?from=1.0.0")).status).toBe(400);
  });
});

describe("a picture", () => {
  test.each([
    ["", {}, "application/vnd.mermaid"],
    ["?format=svg", {}, "image/svg+xml"],
    ["?format=mermaid", { accept: "image/svg+xml" }, "application/vnd.mermaid"],
    ["", { accept: "image/svg+xml,*/*" }, "image/svg+xml"],
    ["", { accept: "application/vnd.mermaid, image/svg+xml" }, "application/vnd.mermaid"],
    ["", { accept: "text/html" }, "application/vnd.mermaid"],
  ])("of %s with %j is %s", async (query, headers, type) => {
    await upload(noting("pictured", "1.0.0", { name: "<b>&" }));
    const got = await hub.ask("GET", `/workflows/pictured/graph${query}`, undefined, headers);
    expect([got.status, got.headers.get("content-type")]).toEqual([200, type]);
    expect(got.text.startsWith(type === "image/svg+xml" ? "<svg" : "flowchart TD")).toBe(true);
    expect(got.text).not.toContain("<b>");
  });

  test("of another version, or none", async () => {
    await upload(noting("pictures"));
    const ask = (query: string) => hub.ask("GET", `/workflows/pictures/graph${query}`);
    expect((await ask("?version=1.0.0")).status).toBe(200);
    expect((await ask("?version=2.0.0")).status).toBe(404);
    expect((await ask("?format=png")).status).toBe(400);
  });
});

test("the schema of definitions is there for everybody, and says what fits", async () => {
  const { status, headers, body } = await asking(undefined)("GET", "/workflows/schema");
  expect([status, headers.get("content-type")]).toEqual([200, "application/schema+json"]);
  const validator = new Validator(body, "2020-12");
  expect(validator.validate(noting("fits")).valid).toBe(true);
  expect(validator.validate({ ...noting("fits"), steps: [] }).valid).toBe(false);
  expect(validator.validate({ ...noting("fits"), more: 1 }).valid).toBe(false);
  expect(validator.validate({ ...noting("fits"), steps: [{ id: "a", type: "acton" }] }).valid).toBe(
    false,
  );
});
