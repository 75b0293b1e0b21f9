/** One task of a document, and the parts that most kinds of tasks share. */
import type { Mapping } from "../../../schema/workflow-value.ts";
import type { Build, Members, Part, Scope } from "./build.ts";
import { variableCel } from "./build.ts";
import { durationMs } from "./duration.ts";
import type { Place } from "./faults.ts";
import { type Cel, cel, celText } from "./jq-cel.ts";
import { namesIn, type Standing } from "./names.ts";
import { asMapping, mapped, membersOf, shaped } from "./value.ts";

export interface Task {
  readonly build: Build;
  readonly name: string;
  readonly members: Members;
  readonly place: Place;
  readonly scope: Scope;
  /** Where a flow directive leads: the id of a task; undefined where nothing follows. */
  target(directive: unknown, place: Place): string | undefined;
}

/** The parts of a task's own work; flow goes on after the last. */
export type Kind = (task: Task) => readonly Part[];

/** Data of the task as a mapping. */
export function data(task: Task, value: unknown, place: Place, standing: Standing = {}): Mapping {
  return mapped(value, place, names(task, standing));
}

export function names(task: Task, standing: Standing = {}) {
  return namesIn(task.build, task.scope, { task: task.name, ...standing });
}

/** Writes variables. */
export function setPart(task: Task, values: Readonly<Record<string, Mapping>>): Part {
  const { build, place, scope } = task;
  return (id, next) => build.push({ id, type: "set", values, ...on(next) }, place, scope);
}

/** The task's output becomes the current data, through `output.as` where it is there. */
export function outputParts(task: Task, value: Mapping): readonly Part[] {
  const { build, members, place, scope } = task;
  const as = membersOf(members.output)?.as;
  if (as === undefined) return [setPart(task, { [scope.data]: value })];
  const raw = build.variable("output");
  const dot = variableCel(raw);
  const shapedOutput = shaped(as, place.at("output").at("as"), names(task, { dot }));
  return [setPart(task, { [raw]: value }), setPart(task, { [scope.data]: shapedOutput })];
}

export interface Action {
  readonly action: string;
  readonly with: Mapping;
}

/** Calls an action, and takes its result as the task's output. */
export function actionParts(task: Task, { action, with: input }: Action): readonly Part[] {
  const { build, place, scope } = task;
  const retry = scope.retry === undefined ? {} : { retry: scope.retry };
  const more = { ...resultOf(task, cel("output")), ...retry, ...timeoutOf(task) };
  const call: Part = (id, next) =>
    build.push({ id, type: "action", action, with: input, ...more, ...on(next) }, place, scope);
  return [call, takeResult(task)];
}

/** `output` of a step whose result is `raw` (that sees it as `output`), through `output.as` where it is there. */
export function resultOf(task: Task, raw: Cel): { readonly output?: Mapping } {
  const as = membersOf(task.members.output)?.as;
  if (as === undefined) return raw.text === "output" ? {} : { output: asMapping(raw) };
  return { output: shaped(as, task.place.at("output").at("as"), names(task, { dot: raw })) };
}

/** The output of the step before becomes the current data. */
export function takeResult(task: Task): Part {
  const { scope } = task;
  return (id, next, before) => {
    const output = cel(`steps[${celText(before).text}].output`);
    setPart(task, { [scope.data]: asMapping(output) })(id, next, before);
  };
}

/** `next`, where there is one. */
export function on(next: string | undefined): { readonly next?: string } {
  return next === undefined ? {} : { next };
}

/** A task's `timeout`, inline or by name. */
export function timeoutOf({ build, members, place }: Task): { readonly timeout?: number } {
  const ms = namedTimeout(build, members.timeout, place.at("timeout"));
  return ms === undefined ? {} : { timeout: ms };
}

/** A timeout, or the one of that name under `use`; in ms. */
export function namedTimeout(build: Build, timeout: unknown, place: Place): number | undefined {
  if (timeout === undefined) return undefined;
  const declared = reusable(build, "timeouts", timeout, place);
  return declared === undefined
    ? undefined
    : durationMs(membersOf(declared)?.after, place.at("after"));
}

/** What stands there, or what `use.<kind>` declares under that name. */
export function reusable(build: Build, kind: string, value: unknown, place: Place): unknown {
  if (typeof value !== "string") return value;
  const declared = membersOf(membersOf(build.root.use)?.[kind]);
  if (declared && Object.hasOwn(declared, value)) return declared[value];
  place.fault("unknown_reference", `there is no ${value} under use.${kind}`);
  return undefined;
}

/** Says what members there are that nothing reads. */
export function onlyMembers(members: Members, allowed: readonly string[], place: Place): void {
  for (const name of Object.keys(members))
    if (!allowed.includes(name)) place.at(name).fault("invalid", `${name} is not expected here`);
}
