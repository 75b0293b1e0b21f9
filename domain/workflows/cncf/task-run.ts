/** Tasks `set` and `run`. */
import { WorkflowId } from "../../../schema/workflow-value.ts";
import type { Part } from "./build.ts";
import { cel } from "./jq-cel.ts";
import {
  data,
  names,
  on,
  onlyMembers,
  outputParts,
  resultOf,
  type Task,
  takeResult,
  timeoutOf,
} from "./task.ts";
import { membersOf, shaped, shown } from "./value.ts";

/** What is set becomes the data. */
export function setTask(task: Task): readonly Part[] {
  const { members, place } = task;
  const at = place.at("set");
  const value =
    typeof members.set === "string"
      ? shaped(members.set, at, names(task))
      : data(task, members.set, at);
  return outputParts(task, value);
}

/** Another workflow. Containers, scripts and shells are refused: nothing here runs a process. */
export function runTask(task: Task): readonly Part[] {
  const { build, members, scope } = task;
  const place = task.place.at("run");
  const run = membersOf(members.run) ?? {};
  for (const process of ["container", "script", "shell"])
    if (run[process] !== undefined)
      place.at(process).fault("not_supported", `run ${process}: nothing here runs processes`);
  if (run.return !== undefined)
    place.at("return").fault("not_supported", "the output of a process");
  const workflow = membersOf(run.workflow);
  if (workflow === undefined) {
    if (!["container", "script", "shell"].some((process) => run[process] !== undefined))
      place.fault("invalid", "runs nothing");
    return [];
  }
  onlyMembers(run, ["workflow", "await", "return"], place);
  const child = {
    workflow: workflowId(workflow, place.at("workflow")),
    ...versionOf(workflow.version),
    with: data(task, workflow.input ?? {}, place.at("workflow").at("input")),
    ...(run.await === false ? { detached: true } : {}),
    ...(scope.retry === undefined ? {} : { retry: scope.retry }),
    ...resultOf(task, cel("output")),
    ...timeoutOf(task),
  };
  const start: Part = (id, next) =>
    build.push({ id, type: "workflow", ...child, ...on(next) }, task.place, scope);
  return [start, takeResult(task)];
}

/** Namespace and name as one id; the namespace `default` is left out. */
export function workflowId(
  of: { readonly namespace?: unknown; readonly name?: unknown },
  place: Parameters<typeof onlyMembers>[2],
): string {
  const id =
    of.namespace === "default" ? shown(of.name) : `${shown(of.namespace)}-${shown(of.name)}`;
  const said = typeof of.namespace === "string" && typeof of.name === "string";
  if (!said) place.fault("invalid", "namespace and name are expected");
  else if (!WorkflowId.safeParse(id).success)
    place.fault(
      "too_large",
      `${id} is no id: namespace and name together have at most 64 characters`,
    );
  return id;
}

function versionOf(version: unknown): { readonly version?: string } {
  return typeof version === "string" && version !== "latest" ? { version } : {};
}
