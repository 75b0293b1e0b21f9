/** A definition as a picture's nodes and edges, with what a run has made of them. */
import type { WorkflowDefinition } from "../../../schema/workflow.ts";
import type { WorkflowStepDefinition } from "../../../schema/workflow-step.ts";
import { canEndAt, type EdgeKind, edgesOf, entersRegion } from "../definition/edges.ts";
import type { RunWay } from "./way.ts";

/** What became of a step in one run. */
export type StepState =
  | "running"
  | "retrying"
  | "waiting"
  | "succeeded"
  | "skipped"
  | "failed"
  | "cancelled"
  | "compensated"
  | "compensation_failed";

/** States by step id; steps that are not in it were not reached. */
export type RunStates = Readonly<Record<string, StepState>>;

export interface GraphNode {
  readonly id: string;
  readonly label: string;
  /** Type and what it is about, below the label. */
  readonly detail: string;
  readonly shape: WorkflowStepDefinition["type"] | "start" | "end";
  readonly state?: StepState;
}

export interface GraphEdge {
  readonly from: string;
  readonly to: string;
  /** `end`: to the end; `back`: from a body to its map or loop; `undo`: to what undoes the step; `failure`: `onFailure`; `failed`: an error chain that handled nothing. */
  readonly kind: EdgeKind | "end" | "back" | "undo" | "start" | "failure" | "failed";
  readonly label: string;
  /** The run went this way. Unknown without states. */
  readonly taken: boolean;
}

export interface WorkflowGraph {
  readonly title: string;
  readonly nodes: readonly GraphNode[];
  readonly edges: readonly GraphEdge[];
  readonly ofRun: boolean;
}

/** Ids of the two nodes that are no steps; no step can be called so. */
export const START = "(start)";
export const END = "(end)";

/** Edges to steps that are not there are left out. Without `way` an edge was taken where both of its ends were reached. */
export function graphOf(
  definition: WorkflowDefinition,
  states?: RunStates,
  way?: RunWay,
): WorkflowGraph {
  const stateOf = (id: string) => (states && Object.hasOwn(states, id) ? states[id] : undefined);
  const nodes = definition.steps.map((step) => {
    const state = stateOf(step.id);
    return { ...nodeOf(step), ...(state ? { state } : {}) };
  });
  const known = new Set(nodes.map(({ id }) => id));
  const flow = flowEdges(definition).filter(
    ({ from, to }) => isKnown(known, from) && isKnown(known, to),
  );
  const used = flow.some(({ to }) => to === END);
  return {
    title: `${definition.name} ${definition.version}`,
    nodes: [
      { id: START, label: "Start", detail: "", shape: "start" },
      ...nodes,
      ...(used ? [{ id: END, label: "End", detail: "", shape: "end" as const }] : []),
    ],
    edges: flow.map((edge) => ({
      ...edge,
      taken: isTaken(edge, stateOf) && (way === undefined || isOnWay(edge, way)),
    })),
    ofRun: states !== undefined,
  };
}

type BareEdge = Omit<GraphEdge, "taken">;

function isKnown(known: ReadonlySet<string>, id: string): boolean {
  return id === START || id === END || known.has(id);
}

function nodeOf(step: WorkflowStepDefinition): GraphNode {
  const { id, name, type } = step;
  return { id, label: name ?? id, detail: detailOf(step), shape: type };
}

function detailOf(step: WorkflowStepDefinition): string {
  switch (step.type) {
    case "action":
      return step.action;
    case "decision":
      return step.condition;
    case "map":
      return `for each of ${step.each}`;
    case "loop":
      return step.while === undefined ? `${step.times ?? 0} times` : `while ${step.while}`;
    case "workflow":
      return `workflow ${step.workflow}`;
    case "wait":
      return `wait ${step.for ?? step.until ?? ""}`;
    case "event":
      return `wait for ${step.signal ?? step.event?.type ?? ""}`;
    case "approval":
      return `ask: ${step.title}`;
    case "fail":
      return `fail with ${step.code}`;
    default:
      return step.type;
  }
}

function flowEdges(definition: WorkflowDefinition): readonly BareEdge[] {
  const [first] = definition.steps;
  const undos = Object.entries(definition.compensation ?? {});
  const ends = endsOf(definition);
  return [
    ...(first ? [{ from: START, to: first.id, kind: "start" as const, label: "" }] : []),
    ...definition.steps.flatMap((step) => [
      ...stepEdges(step),
      ...endEdges(step, ends.get(step.id)),
    ]),
    ...(definition.onFailure === undefined
      ? []
      : [{ from: START, to: definition.onFailure, kind: "failure" as const, label: "failed" }]),
    ...undos.map(([from, to]) => ({ from, to, kind: "undo" as const, label: "undo" })),
  ];
}

const LABELS: Readonly<Partial<Record<EdgeKind, string>>> = {
  true: "yes",
  false: "no",
  default: "else",
  body: "each",
  reject: "rejected",
  timeout: "timeout",
  error: "error",
};

/** A parallel step's `join` is reached from its branches. */
function stepEdges(step: WorkflowStepDefinition): readonly BareEdge[] {
  return edgesOf(step)
    .filter(({ kind }) => kind !== "join")
    .map(({ kind, to, label }) => ({
      from: step.id,
      to,
      kind,
      label: label ?? LABELS[kind] ?? "",
    }));
}

interface RegionEnd {
  readonly to: string;
  readonly kind: "join" | "back" | "end" | "failed";
  /** Where the failure of a branch leads: the error chain of what is around it, or the end. */
  readonly failsTo: string;
}

/** Where flow goes from a step that ends its region: to the join, back to the loop, or to the end. */
function endsOf(definition: WorkflowDefinition): ReadonlyMap<string, RegionEnd> {
  const steps = new Map(definition.steps.map((step) => [step.id, step]));
  const rescues = rescuesOf(definition);
  const ends = new Map<string, RegionEnd>();
  const open: { readonly id: string; readonly end: RegionEnd }[] = [];
  const enter = (id: string | undefined, end: RegionEnd) => {
    if (id === undefined || ends.has(id)) return;
    ends.set(id, rescues.has(id) ? { ...end, to: end.failsTo, kind: "failed" } : end);
    open.push({ id, end });
  };
  const end: RegionEnd = { to: END, kind: "end", failsTo: END };
  enter(definition.steps[0]?.id, end);
  enter(definition.onFailure, end);
  for (let next = open.pop(); next; next = open.pop()) {
    const step = steps.get(next.id);
    if (!step) continue;
    for (const { kind, to } of edgesOf(step))
      enter(to, entersRegion(kind) ? innerEnd(step, ends.get(next.id) ?? next.end) : next.end);
  }
  return ends;
}

/** Steps that only an error leads to: without a `next` behind them nothing is handled. */
function rescuesOf({ steps, onFailure }: WorkflowDefinition): ReadonlySet<string> {
  const edges = steps.flatMap(edgesOf);
  const rescues = new Set(edges.filter(({ kind }) => kind === "error").map(({ to }) => to));
  for (const { kind, to } of edges) if (kind !== "error") rescues.delete(to);
  for (const entrance of [steps[0]?.id, onFailure])
    if (entrance !== undefined) rescues.delete(entrance);
  return rescues;
}

function innerEnd(step: WorkflowStepDefinition, outer: RegionEnd): RegionEnd {
  const failsTo = step.onError ?? outer.failsTo;
  if (step.type === "map" || step.type === "loop") return { to: step.id, kind: "back", failsTo };
  return step.type === "parallel" && step.join !== undefined
    ? { to: step.join, kind: "join", failsTo }
    : { ...outer, failsTo };
}

function endEdges(step: WorkflowStepDefinition, end: RegionEnd | undefined): readonly BareEdge[] {
  // A parallel step ends where its branches do.
  if (!end || step.type === "parallel" || !canEndAt(step)) return [];
  const label = end.kind === "failed" ? "failed" : step.type === "decision" ? "no" : "";
  return [{ from: step.id, to: end.to, kind: end.kind, label }];
}

const PASSED: ReadonlySet<StepState> = new Set([
  "succeeded",
  "skipped",
  "compensated",
  "compensation_failed",
]);

function isTaken(
  { from, to, kind }: BareEdge,
  stateOf: (id: string) => StepState | undefined,
): boolean {
  const source = stateOf(from);
  const target = stateOf(to);
  if (kind === "start" || kind === "failure") return target !== undefined;
  if (kind === "undo") return source === "compensated" || source === "compensation_failed";
  if (kind === "error") return source === "failed" && target !== undefined;
  if (kind === "branch" || kind === "body") return source !== undefined && target !== undefined;
  if (!source || !PASSED.has(source)) return false;
  return to === END || target !== undefined;
}

/** The other kinds lead from one thread to another. */
function isOnWay({ from, to, kind }: BareEdge, way: RunWay): boolean {
  if (kind === "start" || kind === "failure" || kind === "undo") return true;
  if (kind === "branch" || kind === "body") return true;
  const isEnd = kind === "end" || kind === "join" || kind === "back" || kind === "failed";
  return isEnd ? way(from) : way(from, to);
}
