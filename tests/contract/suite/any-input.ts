/** Nothing that comes in makes an adapter throw or return nonsense. */
import fc from "fast-check";
import { it } from "vitest";
import { rawWebhook } from "../raw-webhook.ts";
import { expectSound } from "./soundness.ts";
import type { Suite } from "./suite.ts";

export const anyInput: Suite = (adapter, samples) => {
  const context = { connection: samples.connection, nowMs: samples.nowMs };
  const plain = JSON.parse(bodyAsJson(samples.webhooks[0].body));

  it("parses and locates any JSON and any bytes without throwing", () => {
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string()), (text) => {
        const raw = rawWebhook(text, { "content-type": "application/json" });
        adapter.locate(raw);
        adapter.parse(raw, context);
      }),
      { numRuns: 300 },
    );
  });

  it("parses the plain message with any of its members replaced, without throwing", () => {
    const paths = pathsOf(plain);
    const anyValue = fc.jsonValue({ maxDepth: 3 });
    fc.assert(
      fc.property(fc.constantFrom(...paths), anyValue, (path, value) => {
        const body = JSON.stringify(replaced(plain, path, value));
        const raw = rawWebhook(body, { "content-type": "application/json" });
        adapter.locate(raw);
        const result = adapter.parse(raw, context);
        if (result.ok) {
          expectSound(result.value, samples.connection, samples.nowMs);
        }
      }),
      { numRuns: 500 },
    );
  });
};

/** The plain sample of a channel may be a form; then only an empty object is varied. */
function bodyAsJson(body: string): string {
  return body.startsWith("{") ? body : "{}";
}

type Path = readonly string[];

function pathsOf(value: unknown, path: Path = []): Path[] {
  const members = typeof value === "object" && value !== null ? Object.entries(value) : [];
  return [path, ...members.flatMap(([name, member]) => pathsOf(member, [...path, name]))];
}

function replaced(value: unknown, [name, ...rest]: Path, by: unknown): unknown {
  if (name === undefined) {
    return by;
  }
  const members = Object.entries(value as object).map(([key, member]) => [
    key,
    key === name ? replaced(member, rest, by) : member,
  ]);
  return Object.fromEntries(members);
}
