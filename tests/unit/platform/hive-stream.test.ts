import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { HIVE_ANSWER_BYTES_MAX } from "../../../platform/hive-client.ts";
import { cpuMs } from "../../support/cpu-clock.ts";
import { AGENT, call, type Event, framed, json, said, streamed, unframed } from "./hive-support.ts";

describe("AgentOS: streamed answers", () => {
  const route = { ...AGENT, stream: true };
  const EVENTS: Event[] = [
    ["RunStarted", {}],
    ["RunContent", { content: 'Hé {"' }],
    ["ToolCallCompleted", { tool: { result: "} \\" }, content: "no" }],
    ["ReasoningStep", { content: "no" }],
    ["RunContent", { content: "llo" }],
  ];
  const DONE: Event = ["RunCompleted", { content: "the whole" }];

  test.each([
    ["framed", framed],
    ["unframed", unframed],
  ])("%s events in any cut give the completed text", async (_, write) => {
    for (const size of [1, 2, 3, 64, 10_000]) {
      const { result } = await call(route, () => streamed(write(...EVENTS, DONE), size));
      expect(result).toEqual(said("the whole"));
    }
  });

  test("keepalives, CRLF and a byte order mark change nothing", async () => {
    const text = `\uFEFF: keepalive\r\n\r\n${framed(...EVENTS, DONE).replaceAll("\n", "\r\n")}`;
    expect((await call(route, () => streamed(text))).result).toEqual(said("the whole"));
  });

  test.each([
    ["without a completed event, the pieces", framed(...EVENTS), said('Hé {"llo')],
    [
      "older names",
      framed(["RunResponseContent", { content: "a" }], ["RunResponse", { content: "b" }]),
      said("ab"),
    ],
    ["the last blank line missing", framed(DONE).trimEnd(), said("the whole")],
    ["names on the frame only", 'event: RunCompleted\ndata: {"content":"x"}\n\n', said("x")],
    [
      "newlines between unframed",
      `${unframed(["RunContent", { content: "a" }])}\n${unframed(["RunContent", { content: "b" }])}`,
      said("ab"),
    ],
  ])("%s", async (_, text, result) => {
    expect((await call(route, () => streamed(text))).result).toEqual(result);
  });

  test.each([
    ["RunError", "run_error", true],
    ["RunPaused", "run_paused", false],
    ["RunCancelled", "run_cancelled", false],
    ["TeamRunError", "run_error", true],
  ])("%s after 200 is %s, whatever was streamed before", async (name, reason, retryable) => {
    const { result } = await call(route, () =>
      streamed(framed(...EVENTS, [name, { content: "secret detail" }])),
    );
    expect(result).toMatchObject({ ok: false, failure: { reason, retryable } });
    expect(JSON.stringify(result)).not.toContain("secret");
  });

  test("in a team's stream the members do not speak for the team", async () => {
    const events: Event[] = [
      ["TeamRunStarted", {}],
      ["RunContent", { content: "member" }],
      ["RunCompleted", { content: "member done" }],
      ["RunError", { content: "member failed" }],
      ["TeamRunContent", { content: "te" }],
      ["TeamRunCompleted", { content: "team done" }],
    ];
    const { result } = await call({ team: "t", stream: true }, () => streamed(framed(...events)));
    expect(result).toEqual(said("team done"));
  });

  test("does not wait for the connection to close after the run has completed", async () => {
    const open = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(new TextEncoder().encode(framed(...EVENTS, DONE))),
    });
    const { result } = await call(
      route,
      () => new Response(open, { headers: { "content-type": "text/event-stream" } }),
    );
    expect(result).toEqual(said("the whole"));
  });

  test("endless keepalives end with the timeout, an endless answer at its limit", async () => {
    let timer: ReturnType<typeof setInterval> | undefined;
    const keepalives = new ReadableStream<Uint8Array>({
      start(controller) {
        timer = setInterval(
          () => controller.enqueue(new TextEncoder().encode(": keepalive\n\n")),
          10,
        );
      },
      cancel: () => clearInterval(timer),
    });
    const startMs = cpuMs();
    const slow = await call({ ...route, timeoutMs: 150 }, () => new Response(keepalives));
    expect(slow.result).toMatchObject({ failure: { reason: "timeout", breaker: true } });
    expect(cpuMs() - startMs).toBeLessThan(1000);
    const block = framed(["ToolCallCompleted", { x: "y".repeat(60_000) }]);
    const flood = block.repeat(Math.ceil(HIVE_ANSWER_BYTES_MAX / block.length) + 1);
    const long = await call({ ...route, timeoutMs: 5000 }, () => streamed(flood, 65_536));
    expect(long.result).toMatchObject({
      failure: { reason: "answer_too_large", retryable: false },
    });
  });

  test("a stream that breaks is a failure of the network", async () => {
    const broken = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(new TextEncoder().encode(framed(...EVENTS)));
        controller.error(new TypeError("reset"));
      },
    });
    const { result } = await call(route, () => new Response(broken));
    expect(result).toMatchObject({ failure: { reason: "network", retryable: true } });
  });
});

const FIXTURES = join(import.meta.dirname, "../../../../shared/fixtures/hive");
const present = existsSync(FIXTURES);

describe.skipIf(!present)(
  `recorded answers${present ? "" : " (skipped: shared fixtures are not here)"}`,
  () => {
    const read = (name: string) => JSON.parse(readFileSync(join(FIXTURES, name), "utf8"));

    test.each([
      ["run_output_completed.json", 200, said("Hello! How can I help?")],
      ["team_run_output_with_members.json", 200, said("Done")],
    ])("%s", async (name, status, result) => {
      expect((await call(AGENT, () => json(read(name), status))).result).toEqual(result);
    });

    test.each([
      ["run_background_202.json", 202, "run_pending"],
      ["error_404.json", 404, "unknown_agent"],
      ["error_422.json", 422, "rejected"],
    ])("%s is %s", async (name, status, reason) => {
      expect((await call(AGENT, () => json(read(name), status))).result).toMatchObject({
        failure: { reason },
      });
    });

    test("sse_event_sequence.json, framed and unframed", async () => {
      const events = read("sse_event_sequence.json") as {
        event: string;
        data: Record<string, unknown>;
      }[];
      const pairs = events.map(({ event, data }) => [event, data] as const);
      for (const text of [framed(...pairs), unframed(...pairs)]) {
        expect((await call({ ...AGENT, stream: true }, () => streamed(text))).result).toEqual(
          said("Hello"),
        );
      }
    });
  },
);
