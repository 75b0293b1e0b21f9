/** Definitions that tests begin with. */
import type { WorkflowDefinition } from "../../../../../schema/workflow.ts";

/** A document of these steps, as it is uploaded. */
export function documentOf(steps: readonly object[], more: object = {}): Record<string, unknown> {
  return { id: "sample", name: "Sample", version: "1.0.0", steps, ...more };
}

export function action(id: string, more: object = {}): Record<string, unknown> {
  return { id, type: "action", action: "do.it", ...more };
}

/** One of every step type, each with what it can have. */
export const EVERY_TYPE = `
# every step type
id: every-type
name: Every type
version: 2.1.0-rc.1
description: for tests
labels: {team: care}
input: {type: object, required: [n], properties: {n: {type: integer}}}
output: {id: "{{ steps.finish.output }}"}
vars: {count: "{{ input.n }}"}
timeout: P2D
triggers:
  - {type: event, event: "order.*.paid", condition: "event.data.total > 10", input: {n: {$ref: event.data.n}}}
  - {type: message, channel: slack, match: "^order"}
  - {type: schedule, cron: "30 2 * * *", timezone: Europe/Berlin, overlap: queue, missed: latest, gap: skip, repeat: both}
  - {type: webhook, path: orders, secret: orders-secret, idempotencyKey: event.id}
steps:
  - {id: begin, type: set, values: {n: 1}, next: decide}
  - id: decide
    type: decision
    condition: input.n > 1 && vars.n < 3
    next: [fork, pick]
  - {id: fork, type: parallel, next: [pause, paid, child], join: each, require: any, timeout: 1h}
  - {id: pause, type: wait, for: PT5M}
  - {id: paid, type: event, signal: paid, match: event.ok == true, timeout: 1h, onTimeout: nudge, next: thank}
  - {id: nudge, type: action, action: nudge}
  - {id: thank, type: wait, until: "{{ now + duration('1h') }}"}
  - {id: child, type: workflow, workflow: other, version: 1.0.0, with: {a: "{{ input.n }}"}, retry: {attempts: 2}}
  - {id: each, type: map, each: input.list, do: one, maxConcurrency: 5, itemError: collect, output: "{{ output.size() }}", next: again}
  - {id: one, type: action, action: use, with: {item: "{{ item }}", at: "{{ index }}"}}
  - {id: again, type: loop, while: index < 3, times: 5, do: round, every: 10s, next: ask}
  - {id: round, type: event, event: {type: order.#, correlation: run.id}, timeout: 60000, onTimeout: roundEnd}
  - {id: roundEnd, type: set, values: {n: "{{ vars.n + 1 }}"}}
  - id: ask
    type: approval
    title: "Ship {{ input.n }}?"
    assignees: [ana, ben]
    choices: [{id: ship, next: finish}, {id: hold, label: Hold, next: begin}]
    form: {type: object}
    channel: {connection: care, to: "{{ input.to }}"}
    timeout: 2d
    onTimeout: {choose: hold}
    reminders: [1d, PT36H]
    escalations: [{after: 1d, assignees: "{{ input.managers }}"}]
  - {id: pick, type: switch, cases: [{when: input.k == 'a', next: each}, {when: input.k == 'b', next: finish}], default: no}
  - {id: no, type: fail, code: not_wanted, message: "no {{ input.k }}"}
  - id: finish
    type: action
    action: finish
    condition: input.n != 5
    with: {token: {$secret: tok}, n: {$ref: input.n}}
    onError: sorry
    retry: {attempts: 3, backoff: 1000, strategy: linear, maxDelay: 1m, jitter: half, nonRetryable: [bad.input]}
    timeout: 30s
  - {id: sorry, type: action, action: tell, with: {why: "{{ error.message }}"}}
  - {id: undo, type: action, action: undo, with: {of: {$ref: undo.output}}}
  - {id: tell, type: action, action: tell, with: {why: "{{ error.code }}"}}
compensation: {finish: undo}
onFailure: tell
`;

/** As much of a definition as pictures and comparisons need. */
export function definitionOf(steps: readonly object[], more: object = {}): WorkflowDefinition {
  return documentOf(steps, more) as unknown as WorkflowDefinition;
}
