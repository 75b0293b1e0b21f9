/** Documents with one thing wrong each: name | document without its id, name and version | path and reason of each fault. */
import { parse } from "yaml";

export interface FaultyDocument {
  readonly name: string;
  readonly document: Readonly<Record<string, unknown>>;
  /** Path with dots, and reason. */
  readonly faults: readonly string[];
}

const ROWS = `
a missing field | {steps: [{type: action, action: do.it}]} | steps.0.id schema
a version that is none | {version: "1", steps: [{id: a, type: action, action: do.it}]} | version schema
no steps | {steps: []} | steps schema
an unknown field | {steps: [{id: a, type: action, action: do.it}], stepps: 1} | stepps schema
an unknown type | {steps: [{id: a, type: acton}]} | steps.0.type schema
an id with blanks | {steps: [{id: a b, type: action, action: do.it}]} | steps.0.id schema
a missing action | {steps: [{id: a, type: action}]} | steps.0.action missing_action
several next of an action | {steps: [{id: a, type: action, action: do.it, next: [b, c]}, {id: b, type: action, action: do.it}, {id: c, type: action, action: do.it}]} | steps.0.next schema
no attempts | {steps: [{id: a, type: action, action: do.it, retry: {attempts: 0}}]} | steps.0.retry.attempts schema
the same id twice | {steps: [{id: a, type: action, action: do.it}, {id: a, type: action, action: do.it}]} | steps.1.id duplicate_id
an unknown next | {steps: [{id: a, type: action, action: do.it, next: b}]} | steps.0.next unknown_step
an unknown onError | {steps: [{id: a, type: action, action: do.it, onError: b}]} | steps.0.onError unknown_step
an unknown branch | {steps: [{id: p, type: parallel, next: [a, b]}, {id: a, type: action, action: do.it}]} | steps.0.next.1 unknown_step
an unknown join | {steps: [{id: p, type: parallel, next: [a], join: j}, {id: a, type: action, action: do.it}]} | steps.0.join unknown_step
an unknown body | {steps: [{id: m, type: map, each: input, do: b}]} | steps.0.do unknown_step
an unknown case | {steps: [{id: s, type: switch, cases: [{when: "true", next: b}], default: c}]} | steps.0.cases.0.next unknown_step, steps.0.default unknown_step
an unknown onFailure | {steps: [{id: a, type: action, action: do.it}], onFailure: b} | onFailure unknown_step
a step nothing leads to | {steps: [{id: a, type: action, action: do.it}, {id: b, type: action, action: do.it}]} | steps.1.id unreachable_step
what only follows an undo | {steps: [{id: a, type: action, action: do.it}, {id: u, type: action, action: do.it, next: v}, {id: v, type: action, action: do.it}], compensation: {a: u}} | steps.2.id unreachable_step
compensation of an unknown step | {steps: [{id: a, type: action, action: do.it}], compensation: {b: a}} | compensation.b unknown_compensation
compensation by an unknown step | {steps: [{id: a, type: action, action: do.it}], compensation: {a: b}} | compensation.a unknown_compensation
compensation by a step that is no action | {steps: [{id: a, type: action, action: do.it}, {id: w, type: wait, for: 1}], compensation: {a: w}} | compensation.a undo_is_no_action
compensation by itself | {steps: [{id: a, type: action, action: do.it}], compensation: {a: a}} | compensation.a unknown_compensation
a circle | {steps: [{id: a, type: action, action: do.it, next: b}, {id: b, type: action, action: do.it, next: a}]} | steps.0.id cycle_without_exit
a circle behind a way in | {steps: [{id: a, type: action, action: do.it, next: b}, {id: b, type: action, action: do.it, next: c}, {id: c, type: action, action: do.it, next: b}]} | steps.1.id cycle_without_exit
a step that goes on at itself | {steps: [{id: a, type: action, action: do.it, next: a}]} | steps.0.id cycle_without_exit
a circle that only errors leave | {steps: [{id: a, type: action, action: do.it, next: a, onError: b}, {id: b, type: action, action: do.it}]} | steps.0.id cycle_without_exit
a circle in a body | {steps: [{id: m, type: map, each: input, do: a}, {id: a, type: action, action: do.it, next: a}]} | steps.1.id cycle_without_exit
two branches that meet | {steps: [{id: p, type: parallel, next: [a, b]}, {id: a, type: action, action: do.it, next: c}, {id: b, type: action, action: do.it, next: c}, {id: c, type: action, action: do.it}]} | steps.1.next shared_step
a branch that leads to the join | {steps: [{id: p, type: parallel, next: [a], join: j}, {id: a, type: action, action: do.it, next: j}, {id: j, type: action, action: do.it}]} | steps.1.next shared_step
a body that leads out | {steps: [{id: m, type: map, each: input, do: a, next: b}, {id: a, type: action, action: do.it, next: b}, {id: b, type: action, action: do.it}]} | steps.1.next shared_step
a bad condition | {steps: [{id: a, type: action, action: do.it, condition: input.}]} | steps.0.condition expression
a condition of mixed types | {steps: [{id: a, type: action, action: do.it, condition: 1 + 'a'}]} | steps.0.condition expression
an unknown step in an expression | {steps: [{id: a, type: action, action: do.it, condition: steps.b.output}]} | steps.0.condition unknown_step
an unknown step in a reference | {steps: [{id: a, type: action, action: do.it, with: {x: {$ref: steps.b.output}}}]} | steps.0.with.x unknown_step
an item outside of a map | {steps: [{id: a, type: action, action: do.it, with: "{{ item }}"}]} | steps.0.with expression
an item in a loop | {steps: [{id: l, type: loop, times: 2, do: a}, {id: a, type: action, action: do.it, with: ["{{ index }}", "{{ item }}"]}]} | steps.1.with.1 expression
an error where none is | {steps: [{id: a, type: action, action: do.it, with: "{{ error.code }}"}]} | steps.0.with expression
an undo where none is | {steps: [{id: a, type: action, action: do.it, with: "{{ undo.output }}"}]} | steps.0.with expression
an event where none is | {steps: [{id: a, type: action, action: do.it, with: "{{ event.data }}"}]} | steps.0.with expression
an output before there is one | {steps: [{id: a, type: action, action: do.it, with: "{{ output }}", output: "{{ output.id }}"}]} | steps.0.with expression
a secret in an output | {steps: [{id: a, type: action, action: do.it, output: {$secret: t}}]} | steps.0.output expression
a secret in a variable | {steps: [{id: a, type: set, values: {x: [{$secret: t}]}}]} | steps.0.values.x.0 expression
a bad run output | {steps: [{id: a, type: action, action: do.it}], output: "{{ steps.z.output }}"} | output unknown_step
a bad first value | {steps: [{id: a, type: action, action: do.it}], vars: {x: "{{ steps.a }}"}} | vars.x expression
a loop without an end | {steps: [{id: l, type: loop, do: a}, {id: a, type: action, action: do.it}]} | steps.0 schema
a wait for nothing | {steps: [{id: w, type: wait}]} | steps.0 schema
a wait for two things | {steps: [{id: w, type: wait, for: 1, until: "{{ now }}"}]} | steps.0 schema
a wait of no length | {steps: [{id: w, type: wait, for: soon}]} | steps.0.for duration
a wait beyond a year | {steps: [{id: w, type: wait, for: 400d}]} | steps.0.for duration
a wait until some day | {steps: [{id: w, type: wait, until: 2026-13-45T00:00:00Z}]} | steps.0.until duration
an event that is none | {steps: [{id: e, type: event}]} | steps.0 schema
two events | {steps: [{id: e, type: event, signal: a, event: {type: b}}]} | steps.0 schema
onTimeout without a timeout | {steps: [{id: e, type: event, signal: a, onTimeout: x}, {id: x, type: action, action: do.it}]} | steps.0.onTimeout schema
an event type of too many # | {steps: [{id: e, type: event, event: {type: "#.a.#.b.#"}}]} | steps.0.event.type pattern
two choices of one id | {steps: [{id: p, type: approval, title: ok?, choices: [{id: a}, {id: a}]}]} | steps.0.choices.1.id duplicate_id
onReject beside own choices | {steps: [{id: p, type: approval, title: ok?, onReject: x, choices: [{id: a}, {id: b}]}, {id: x, type: action, action: do.it}]} | steps.0.onReject schema
a choice that is none | {steps: [{id: p, type: approval, title: ok?, timeout: 1d, onTimeout: {choose: maybe}}]} | steps.0.onTimeout.choose schema
a reminder beyond a year | {steps: [{id: p, type: approval, title: ok?, reminders: [999d]}]} | steps.0.reminders.0 duration
a run's timeout beyond a year | {steps: [{id: a, type: action, action: do.it}], timeout: P99W} | timeout duration
a backoff beyond a year | {steps: [{id: a, type: action, action: do.it, retry: {attempts: 2, backoff: 9999h}}]} | steps.0.retry.backoff duration
a trigger's event type | {steps: [{id: a, type: action, action: do.it}], triggers: [{type: event, event: "#.#.#"}]} | triggers.0.event pattern
a trigger's pattern | {steps: [{id: a, type: action, action: do.it}], triggers: [{type: message, match: (a}]} | triggers.0.match pattern
a cron text | {steps: [{id: a, type: action, action: do.it}], triggers: [{type: schedule, cron: 99 * * * *}]} | triggers.0.cron schedule
a time zone | {steps: [{id: a, type: action, action: do.it}], triggers: [{type: schedule, cron: 0 9 * * *, timezone: Mars/Base}]} | triggers.0.timezone schedule
a catch-up beyond a week | {steps: [{id: a, type: action, action: do.it}], triggers: [{type: schedule, cron: 0 9 * * *, catchUp: 8d}]} | triggers.0.catchUp duration
a jitter beyond an hour | {steps: [{id: a, type: action, action: do.it}], triggers: [{type: schedule, cron: 0 9 * * *, jitter: 61m}]} | triggers.0.jitter duration
an end before the start | {steps: [{id: a, type: action, action: do.it}], triggers: [{type: schedule, cron: 0 9 * * *, startsAt: "2030-01-02T00:00:00Z", endsAt: "2030-01-01T00:00:00Z"}]} | triggers.0.endsAt schedule
a trigger's condition | {steps: [{id: a, type: action, action: do.it}], triggers: [{type: webhook, path: p, condition: input.x}]} | triggers.0.condition expression
an unknown trigger | {steps: [{id: a, type: action, action: do.it}], triggers: [{type: cron}]} | triggers.0.type schema
a name that is no text | {name: 5, steps: [{id: a, type: action, action: do.it}]} | name schema
`;

export const FAULTY: readonly FaultyDocument[] = ROWS.trim()
  .split("\n")
  .map((row) => {
    const [name = "", document = "", faults = ""] = row.split(" | ");
    const base = { id: "sample", name: "Sample", version: "1.0.0" };
    return { name, document: { ...base, ...parse(document) }, faults: faults.split(", ") };
  });
