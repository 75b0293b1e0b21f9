/** A list of tasks: who follows whom, and what every kind of task has (`if`, `input`, `output`, `export`, `then`). */
import type { Build, Members, Part, Scope } from "./build.ts";
import type { Place } from "./faults.ts";
import { KINDS } from "./kinds.ts";
import { type Kind, names, onlyMembers, setPart, type Task } from "./task.ts";
import { condition, membersOf, shaped, shown } from "./value.ts";

/** What every task may have. */
const COMMON = ["if", "input", "output", "export", "timeout", "then", "metadata"] as const;

interface Named {
  readonly name: string;
  readonly entry: string;
  readonly members: Members;
  readonly place: Place;
}

/** As `Build.list`. */
export function taskList(
  build: Build,
  tasks: unknown,
  place: Place,
  scope: Scope,
  next: string | undefined,
): string | undefined {
  if (!Array.isArray(tasks)) {
    place.fault("invalid", "is no list of tasks");
    return next;
  }
  const all = tasks.map((item, at) => named(build, item, place.at(at)));
  const known = all.filter((task) => task !== undefined);
  for (const [at, task] of known.entries()) {
    const following = known[at + 1]?.entry ?? next;
    const target = targets({ known, following, next, scope });
    taskRow(build, { ...task, scope, target }, following);
  }
  return known[0]?.entry ?? next;
}

function named(build: Build, item: unknown, place: Place): Named | undefined {
  const members = membersOf(item);
  const [name, ...others] = Object.keys(members ?? {});
  const task = name === undefined ? undefined : membersOf(members?.[name]);
  if (name === undefined || task === undefined || others.length > 0) {
    const detail = others.length > 0 ? "holds several tasks" : "holds no task";
    place.fault("invalid", `${detail}: one name with one task is expected`);
    return undefined;
  }
  return { name, entry: build.id(name), members: task, place: place.at(name) };
}

interface Ways {
  readonly known: readonly Named[];
  readonly following: string | undefined;
  readonly next: string | undefined;
  readonly scope: Scope;
}

function targets({ known, following, next, scope }: Ways): Task["target"] {
  return (directive, place) => {
    if (directive === undefined || directive === "continue") return following;
    if (directive === "exit") return next;
    if (directive === "end") {
      if (scope.inner) place.fault("not_supported", "end inside of a branch or a loop");
      return undefined;
    }
    const found = known.find(({ name }) => name === directive);
    if (!found)
      place.fault("unknown_reference", `there is no task ${shown(directive)} in this list`);
    return found?.entry;
  };
}

function taskRow(
  build: Build,
  task: Omit<Task, "build"> & { readonly entry: string },
  following: string | undefined,
): void {
  const { members, place, entry } = task;
  const kind = kindOf(members, place);
  if (!kind) return;
  const [keys, parts] = kind;
  onlyMembers(members, [...COMMON, ...keys], place);
  const all = { ...task, build };
  const then = task.target(members.then, place.at("then"));
  if (members.timeout !== undefined && !TIMED.has(keys[0] ?? ""))
    place.at("timeout").fault("not_supported", `a timeout of a ${keys[0]} task`);
  const row = [...ifPart(all, following), ...inputPart(all), ...parts(all), ...exportPart(all)];
  build.row(row, entry, then);
}

/** Kinds whose steps can be given a time. */
const TIMED = new Set(["call", "run", "emit", "listen", "for", "fork"]);

function kindOf(members: Members, place: Place): readonly [readonly string[], Kind] | undefined {
  const found = KINDS.filter(([keys]) => Object.hasOwn(members, keys[0] ?? ""));
  // `for` has a `do` of its own.
  const kinds = found.length > 1 ? found.filter(([keys]) => keys[0] !== "do") : found;
  const [kind] = kinds;
  if (kinds.length === 1 && kind) return kind;
  place.fault(
    "invalid",
    kinds.length === 0 ? "is no task of a known kind" : "is a task of several kinds",
  );
  return undefined;
}

/** A task whose `if` is false is passed over; its `then` is not followed. */
function ifPart(task: Task, following: string | undefined): readonly Part[] {
  const { build, members, place, scope } = task;
  if (members.if === undefined) return [];
  const when = condition(members.if, place.at("if"), names(task)) ?? "false";
  const otherwise = following === undefined ? [] : [following];
  return [
    (id, next) => {
      const ways = [next ?? id, ...otherwise];
      build.push({ id, type: "decision", condition: when, next: ways }, place, scope);
    },
  ];
}

function inputPart(task: Task): readonly Part[] {
  const { members, place, scope } = task;
  const input = membersOf(members.input);
  refuseSchemas(task);
  if (input?.from === undefined) return [];
  const from = shaped(input.from, place.at("input").at("from"), names(task));
  return [setPart(task, { [scope.data]: from })];
}

function exportPart(task: Task): readonly Part[] {
  const { members, place } = task;
  const as = membersOf(members.export)?.as;
  if (as === undefined) return [];
  return [setPart(task, { context: shaped(as, place.at("export").at("as"), names(task)) })];
}

function refuseSchemas({ members, place }: Task): void {
  for (const key of ["input", "output", "export"]) {
    const part = membersOf(members[key]);
    if (members[key] !== undefined && part === undefined)
      place.at(key).fault("invalid", "is no object");
    if (part?.schema !== undefined)
      place
        .at(key)
        .at("schema")
        .fault("not_supported", "a schema of a task: only the document's input has one");
  }
}
