/** What imported documents do when they run. */
import { describe, expect, test } from "vitest";
import { play } from "../../../../../dev/conformance/workflows-ctk-play.ts";
import { importCncf } from "../../../../../domain/workflows/cncf/import.ts";
import type { Json } from "../../../../../domain/workflows/run/state.ts";
import { DOCUMENT, get, going, jq } from "./support.ts";

describe("runs", () => {
  test.each<[string, object, Json, Json]>([
    [
      "branches have data of their own; the output is a list",
      {
        do: [
          {
            split: {
              fork: {
                branches: [
                  { a: { set: { who: jq('.who + "a"') } } },
                  {
                    b: {
                      do: [
                        { b1: { set: { who: jq('.who + "b"') } } },
                        { b2: { set: { x: jq(".who") } } },
                      ],
                    },
                  },
                ],
              },
            },
          },
        ],
      },
      { who: "-" },
      [{ who: "-a" }, { x: "-b" }],
    ],
    [
      "exit leaves a list, end the run; a task whose if is false is passed over",
      {
        do: [
          { no: { if: ".n > 1", set: { wrong: true }, ...going("end") } },
          {
            inner: {
              do: [{ one: { set: { n: 2 }, ...going("exit") } }, { two: { set: { wrong: true } } }],
            },
          },
          { three: { set: { n: jq(".n + 1") }, ...going("end") } },
          { four: { set: { wrong: true } } },
        ],
      },
      { n: 1 },
      { n: 3 },
    ],
    [
      "loops within loops keep their own items",
      {
        do: [
          {
            outer: {
              for: { each: "row", in: ".rows" },
              do: [
                {
                  inner: {
                    for: { each: "cell", in: "$row", at: "i" },
                    do: [
                      {
                        add: {
                          set: {
                            rows: jq(".rows"),
                            out: jq('.out + ["\\($index)\\($i)\\($cell)\\($row[0])"]'),
                          },
                        },
                      },
                    ],
                  },
                },
              ],
            },
          },
        ],
        output: { as: ".out" },
      },
      { rows: [["a", "b"], ["c"]] },
      ["00aa", "01ba", "10cc"],
    ],
    [
      "a while that is false passes over the rest",
      {
        do: [
          {
            loop: {
              for: { in: ".list" },
              while: "(.sum | not) or .sum < 3",
              do: [{ add: { set: { list: jq(".list"), sum: jq(".sum + $item") } } }],
            },
          },
        ],
        output: { as: { sum: jq(".sum") } },
      },
      { list: [1, 2, 3, 4] },
      { sum: 3 },
    ],
    [
      "a loop over nothing changes nothing",
      { do: [{ loop: { for: { in: ".list" }, do: [{ add: { set: { wrong: true } } }] } }] },
      { a: 1 },
      { a: 1 },
    ],
    [
      "context outlives data; input and output are shaped",
      {
        input: { from: ".body" },
        do: [
          { keep: { set: { a: jq(".a") }, export: { as: "{ kept: .a }" } } },
          {
            change: {
              input: { from: ".a" },
              set: { b: jq(".") },
              output: { as: "{ b: .b, was: $input }" },
            },
          },
        ],
        output: {
          as: {
            kept: jq("$context.kept"),
            now: jq("."),
            name: jq("$workflow.definition.document.name"),
          },
        },
      },
      { body: { a: 5 } },
      { kept: 5, now: { b: 5, was: 5 }, name: "flow" },
    ],
    [
      "an error is caught by what was raised; its type comes back",
      {
        do: [
          {
            attempt: {
              try: [
                {
                  raise: {
                    raise: {
                      error: { type: "https://a.example/odd-one", status: 418, title: "No" },
                    },
                  },
                },
              ],
              catch: {
                errors: { with: { type: "https://a.example/odd-one", status: 418 } },
                as: "e",
                when: '$e.title == "No"',
                do: [{ told: { set: { got: jq("$e") } } }],
              },
            },
          },
          {
            after: {
              set: { type: jq(".got.type"), status: jq(".got.status"), at: jq(".got.instance") },
            },
          },
        ],
      },
      {},
      { type: "https://a.example/odd-one", status: 418, at: "/do/0/attempt/try/0/raise" },
    ],
    [
      "a catch without tasks at the end of the run ends it well",
      { do: [{ attempt: { try: [{ call: get("/a/b") }], catch: {} } }] },
      { a: 1 },
      { a: 1 },
    ],
    [
      "a switch without a case that holds goes on; data that looks like ours stays as it is",
      {
        do: [
          { choose: { switch: [{ x: { when: ".a == 2", ...going("end") } }] } },
          {
            last: {
              set: { text: "{{ input }}", ref: { $ref: "input" }, long: `a $${"{"} .a } b` },
            },
          },
        ],
      },
      { a: 1 },
      { text: "{{ input }}", ref: { $ref: "input" }, long: `a $${"{"} .a } b` },
    ],
    [
      "a function is called with its own input, encoded into the address",
      {
        use: { functions: { pet: get("/{petId}") } },
        do: [
          { wait: { wait: { seconds: 30 } } },
          { one: { call: "pet", with: { petId: jq(".id") }, output: { as: ".id" } } },
        ],
      },
      { id: 7 },
      7,
    ],
  ])("%s", (_, document, input, output) => {
    const imported = importCncf({ document: DOCUMENT, ...document });
    if (!imported.ok) throw new Error(JSON.stringify(imported.failure));
    expect(play(imported.value.definition, input).ending).toEqual({ is: "completed", output });
  });

  test("a retried call is tried as often as the limit says, then fails as it did", () => {
    const imported = importCncf({
      document: DOCUMENT,
      use: {
        retries: {
          few: { delay: "PT1S", backoff: { linear: {} }, limit: { attempt: { count: 2 } } },
        },
      },
      do: [
        {
          attempt: {
            try: [{ call: get("/a/b") }],
            catch: {
              errors: { with: { type: "https://x/communication", status: 404 } },
              retry: "few",
            },
          },
        },
      ],
    });
    if (!imported.ok) throw new Error(JSON.stringify(imported.failure));
    const call = imported.value.definition.steps.find(({ id }) => id === "call");
    expect(call).toMatchObject({
      retry: {
        attempts: 3,
        backoff: 1000,
        strategy: "linear",
        jitter: "none",
        retryOn: ["http.404"],
      },
    });
    expect(play(imported.value.definition, {}).ending).toMatchObject({
      error: { reason: "http.404" },
    });
  });

  test("triggers: cron, a period, an event; each with what the DSL hands over", () => {
    const triggers = (schedule: object) => {
      const imported = importCncf({ document: DOCUMENT, schedule, do: [{ a: { set: { x: 1 } } }] });
      return imported.ok
        ? imported.value.definition.triggers
        : imported.failure.map(({ path }) => path);
    };
    expect(triggers({ cron: "0 9 * * MON-FRI" })).toEqual([
      { type: "schedule", cron: "0 9 * * MON-FRI" },
    ]);
    expect(triggers({ every: { minutes: 15 } })).toEqual([
      { type: "schedule", cron: "*/15 * * * *" },
    ]);
    expect(triggers({ every: "PT6H" })).toEqual([{ type: "schedule", cron: "0 */6 * * *" }]);
    expect(triggers({ every: { minutes: 7 }, after: { minutes: 1 } })).toEqual([
      "/schedule/after",
      "/schedule/every",
    ]);
    expect(triggers({ cron: "* * * * * *" })).toEqual(["/schedule/cron"]);
    expect(
      triggers({ on: { one: { with: { type: "a.b", source: "s", data: jq(".n > 1") } } } }),
    ).toEqual([
      {
        type: "event",
        event: "a.b",
        input: ["{{ event }}"],
        condition: 'event.source == "s" && (event.data.?n.orValue(null) > 1.0)',
      },
    ]);
  });
});
