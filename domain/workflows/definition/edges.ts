/** Where flow can go from a step. One list for checks and pictures alike. */
import type { StepOf, WorkflowStepDefinition } from "../../../schema/workflow-step.ts";

export type EdgeKind =
  | "next"
  | "true"
  | "false"
  | "case"
  | "default"
  /** Into a branch of a parallel step. */
  | "branch"
  | "join"
  /** Into the body of a map or loop. */
  | "body"
  | "choice"
  | "reject"
  | "timeout"
  | "error";

export interface StepEdge {
  readonly kind: EdgeKind;
  readonly to: string;
  /** Within the step. */
  readonly path: readonly (string | number)[];
  /** What to write beside it. */
  readonly label?: string;
}

/** In the order in which the step names them. */
export function edgesOf(step: WorkflowStepDefinition): readonly StepEdge[] {
  return [...forwardEdges(step), ...one("error", step.onError, ["onError"])];
}

/** Kinds that lead into a region of their own: it ends where a step has no `next`, and flow comes back. */
export function entersRegion(kind: EdgeKind): boolean {
  return kind === "branch" || kind === "body";
}

/** Whether the branch can end at this step without a failure. */
export function canEndAt(step: WorkflowStepDefinition): boolean {
  switch (step.type) {
    case "decision":
      return typeof step.next === "string" || step.next.length < 2;
    case "switch":
      return step.default === undefined;
    case "parallel":
      return step.join === undefined;
    case "fail":
      return true;
    case "approval":
      return (
        step.next === undefined && (step.choices?.some(({ next }) => next === undefined) ?? true)
      );
    default:
      return step.next === undefined;
  }
}

function forwardEdges(step: WorkflowStepDefinition): readonly StepEdge[] {
  switch (step.type) {
    case "decision":
      return decisionEdges(step);
    case "switch":
      return [
        ...step.cases.map((each, at) => ({
          kind: "case" as const,
          to: each.next,
          path: ["cases", at, "next"],
          label: each.name ?? each.when,
        })),
        ...one("default", step.default, ["default"]),
      ];
    case "parallel":
      return [
        ...step.next.map((to, at) => ({ kind: "branch" as const, to, path: ["next", at] })),
        ...one("join", step.join, ["join"]),
      ];
    case "map":
    case "loop":
      return [...one("body", step.do, ["do"]), ...one("next", step.next, ["next"])];
    case "event":
      return [
        ...one("next", step.next, ["next"]),
        ...one("timeout", step.onTimeout, ["onTimeout"]),
      ];
    case "approval":
      return approvalEdges(step);
    default:
      return one("next", step.next, ["next"]);
  }
}

function decisionEdges({ next }: StepOf<"decision">): readonly StepEdge[] {
  if (typeof next === "string") return one("true", next, ["next"]);
  return [...one("true", next[0], ["next", 0]), ...one("false", next[1], ["next", 1])];
}

function approvalEdges(step: StepOf<"approval">): readonly StepEdge[] {
  const choices = (step.choices ?? []).flatMap(({ id, label, next }, at) =>
    next === undefined
      ? []
      : [{ kind: "choice" as const, to: next, path: ["choices", at, "next"], label: label ?? id }],
  );
  const late = step.onTimeout && "next" in step.onTimeout ? step.onTimeout.next : undefined;
  return [
    ...one("next", step.next, ["next"]),
    ...choices,
    ...one("reject", step.onReject, ["onReject"]),
    ...one("timeout", late, ["onTimeout", "next"]),
  ];
}

function one(
  kind: EdgeKind,
  to: string | undefined,
  path: readonly (string | number)[],
): readonly StepEdge[] {
  return to === undefined ? [] : [{ kind, to, path }];
}
