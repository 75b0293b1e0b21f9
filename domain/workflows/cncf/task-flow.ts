/** Tasks `do`, `fork`, `for` and `switch`: they hold other tasks, or send flow to them. */
import type { Part, Scope } from "./build.ts";
import { variableCel } from "./build.ts";
import type { Cel } from "./jq-cel.ts";
import { names, on, onlyMembers, setPart, type Task, timeoutOf } from "./task.ts";
import { asMapping, condition, expression, membersOf, shaped } from "./value.ts";

/** The tasks stand in a row with what is around them. */
export function doTask(task: Task): readonly Part[] {
  const { build, members, place, scope } = task;
  const inside: Part = (id, next, before) => {
    const first = build.list(members.do, place.at("do"), scope, next);
    enter(task, first ?? next)(id, next, before);
  };
  return [inside, ...compositeOutput(task)];
}

/** Branches on data of their own; with `compete` the first result is the output, else the list of all. */
export function forkTask(task: Task): readonly Part[] {
  const { build, members, scope } = task;
  const place = task.place.at("fork");
  const fork = membersOf(members.fork) ?? {};
  onlyMembers(fork, ["branches", "compete"], place);
  const branches = Array.isArray(fork.branches) ? fork.branches : [];
  if (branches.length === 0) place.at("branches").fault("invalid", "has no branches");
  const compete = fork.compete === true;
  const winner = build.variable("winner");
  const outputs = branches.map(() => build.variable("branch"));
  const split: Part = (id, next) => {
    const heads = branches.map((branch, at) => {
      const variable = outputs[at] ?? winner;
      const end = compete ? winner : undefined;
      return branchOf(task, [branch], { at, variable, end });
    });
    const all = { next: heads, ...(next === undefined ? {} : { join: next }) };
    const require = compete ? { require: "any" as const } : {};
    build.push({ id, type: "parallel", ...all, ...require, ...timeoutOf(task) }, task.place, scope);
  };
  const joined = compete
    ? asMapping(variableCel(winner))
    : outputs.map((variable) => asMapping(variableCel(variable)));
  return [split, setPart(task, { [scope.data]: joined }), ...compositeOutput(task)];
}

interface Branch {
  readonly at: number;
  readonly variable: string;
  /** Also takes the branch's result. */
  readonly end: string | undefined;
}

function branchOf(task: Task, tasks: readonly unknown[], { at, variable, end }: Branch): string {
  const { build, scope } = task;
  const place = task.place.at("fork").at("branches").at(at);
  const inner: Scope = { data: variable, inner: true, names: scope.names };
  const bare = { ...task, scope: inner };
  const tail = end === undefined ? undefined : build.id(`${task.name}-won`);
  if (tail !== undefined && end !== undefined)
    setPart(bare, { [end]: asMapping(variableCel(variable)) })(tail, undefined, tail);
  const first = build.list(tasks, { ...place, at: () => place }, inner, tail);
  const head = build.id(`${task.name}-branch`);
  setPart(bare, { [variable]: asMapping(variableCel(scope.data)) })(head, first, head);
  return head;
}

/** One item after the other, as the DSL has it; the data goes through all of them. */
export function forTask(task: Task): readonly Part[] {
  const { build, members, scope } = task;
  const place = task.place.at("for");
  const loop = membersOf(members.for) ?? {};
  onlyMembers(loop, ["each", "in", "at"], place);
  const each = expression(loop.in, place.at("in"), names(task));
  const item = build.variable("item");
  const index = build.variable("index");
  const own = new Map<string, Cel>([
    [typeof loop.each === "string" ? loop.each : "item", variableCel(item)],
    [typeof loop.at === "string" ? loop.at : "index", variableCel(index)],
  ]);
  const inner: Scope = { data: scope.data, inner: true, names: new Map([...scope.names, ...own]) };
  const body = { ...task, scope: inner };
  const start: Part = (id, next) => {
    const list = each === undefined ? "[]" : `(${each.text} == null ? [] : ${each.text})`;
    const first = build.list(members.do, task.place.at("do"), inner, undefined);
    const guarded = whileGuard(body, [item, index], first);
    const head = build.id(`${task.name}-item`);
    const values = { [item]: "{{ item }}", [index]: "{{ index }}" };
    setPart(body, values)(head, guarded, head);
    const more = { each: list, do: head, maxConcurrency: 1, ...timeoutOf(task) };
    build.push({ id, type: "map", ...more, ...on(next) }, task.place, scope);
  };
  return [start, ...compositeOutput(task)];
}

/** Once `while` is false, every further item is passed over: nothing changes the data any more. */
function whileGuard(
  task: Task,
  variables: readonly string[],
  first: string | undefined,
): string | undefined {
  const { build, members, scope } = task;
  if (members.while === undefined || first === undefined) return first;
  const place = task.place.at("while");
  const when = condition(members.while, place, names(task)) ?? "false";
  if (variables.some((name) => when.includes(`vars.${name}`)))
    place.fault("not_supported", "a while that reads the item or its index");
  const id = build.id(`${task.name}-while`);
  build.push({ id, type: "decision", condition: when, next: first }, task.place, scope);
  return id;
}

/** The first case that holds; else the one without `when`; else on with the next task. */
export function switchTask(task: Task): readonly Part[] {
  const { build, members, scope } = task;
  const place = task.place.at("switch");
  const cases = Array.isArray(members.switch) ? members.switch : [];
  if (cases.length === 0) place.fault("invalid", "has no cases");
  const decide: Part = (id, next) => {
    const found = cases.map((item, at) => caseOf(task, item, place.at(at)));
    const otherwise = found.find((one) => one?.when === undefined);
    const ending = found.some((one) => one?.to === undefined) ? endStep(task) : undefined;
    const conditional = found.flatMap((one) =>
      one?.when === undefined ? [] : [{ when: one.when, next: one.to ?? ending ?? id }],
    );
    const rest = otherwise ? otherwise.to : next;
    const fallback = rest === undefined ? {} : { default: rest };
    const shown =
      conditional.length > 0 ? conditional : [{ when: "false", next: rest ?? ending ?? id }];
    build.push({ id, type: "switch", cases: shown, ...fallback }, task.place, scope);
  };
  for (const key of ["output", "export"])
    if (members[key] !== undefined) task.place.at(key).fault("not_supported", `${key} of a switch`);
  return [decide];
}

/** A case that ends the run leads to a step after which nothing comes. */
function endStep(task: Task): string {
  const id = task.build.id(`${task.name}-end`);
  setPart(task, { [task.scope.data]: asMapping(variableCel(task.scope.data)) })(id, undefined, id);
  return id;
}

function caseOf(task: Task, item: unknown, place: Task["place"]) {
  const [entry, ...others] = Object.entries(membersOf(item) ?? {});
  const one = membersOf(entry?.[1]);
  if (entry === undefined || one === undefined || others.length > 0) {
    place.fault("invalid", "holds no case: one name with one case is expected");
    return undefined;
  }
  const at = place.at(entry[0]);
  onlyMembers(one, ["when", "then"], at);
  const when = one.when === undefined ? undefined : condition(one.when, at.at("when"), names(task));
  return {
    when: one.when === undefined ? undefined : (when ?? "false"),
    to: task.target(one.then, at.at("then")),
  };
}

/** `output.as` of a task that holds others: its input is gone by then. */
function compositeOutput(task: Task): readonly Part[] {
  const as = membersOf(task.members.output)?.as;
  if (as === undefined) return [];
  const place = task.place.at("output").at("as");
  if (JSON.stringify(as).includes("$input"))
    place.fault("not_supported", "$input in the output of a task that holds other tasks");
  return [setPart(task, { [task.scope.data]: shaped(as, place, names(task)) })];
}

/** A row begins with the id of its task, a list with that of its first: flow goes on there at once. */
function enter(task: Task, first: string | undefined): Part {
  const { build, scope } = task;
  return (id) => {
    const ways = first === undefined ? {} : { next: first };
    const values = { [scope.data]: asMapping(variableCel(scope.data)) };
    build.push({ id, type: "set", values, ...ways }, task.place, scope);
  };
}
