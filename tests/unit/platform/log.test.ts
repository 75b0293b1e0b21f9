import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type LogFields, logLine } from "../../../platform/log.ts";
import { CANARIES, canariesIn } from "../domain/observability/canaries.ts";

const lines: string[] = [];

beforeEach(() => {
  lines.length = 0;
  vi.spyOn(console, "log").mockImplementation((line: string) => void lines.push(line));
});
afterEach(() => vi.restoreAllMocks());

describe("a log line", () => {
  test("is one line of JSON with its name, its time and its fields", () => {
    logLine("webhook.received", { tenant: "acme", channel: "slack", durationMs: 3, messages: 1 });
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0] ?? "")).toEqual({
      at: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
      line: "webhook.received",
      tenant: "acme",
      channel: "slack",
      durationMs: 3,
      messages: 1,
    });
  });

  test("does not take a field name that is not in the table", () => {
    // @ts-expect-error the text of a message is no field
    logLine("turn.ended", { text: "hello" });
    // @ts-expect-error a count is a number
    logLine("turn.ended", { messages: "one" });
    expect(lines.join()).not.toContain("hello");
    expect(lines.join()).not.toContain("one");
  });

  test.each(CANARIES)("carries %j in no field", (canary) => {
    const fields = Object.fromEntries(
      [
        "tenant",
        "connection",
        "conversation",
        "message",
        "reason",
        "code",
        "durationMs",
        "messages",
        "ok",
        "text",
        canary,
      ].map((name) => [name, canary]),
    );
    logLine("turn.ended", fields as LogFields);
    logLine(`turn.${canary}`, {});
    expect(lines).toHaveLength(2);
    expect(canariesIn(lines.join("\n"))).toEqual([]);
    expect(lines[0]).toContain("[redacted]");
  });
});
