/**
 * Checks of the flow as a whole: steps that are not there, come twice, are never reached or belong to two regions, and
 * circles that nothing leaves. A region is the run itself, one branch, or one body.
 */
import type { WorkflowStepDefinition } from "../../../schema/workflow-step.ts";
import { nearestName } from "../../events/nearest-name.ts";
import { type Draft, type Indexed, isObject } from "./draft.ts";
import { canEndAt, edgesOf, entersRegion, type StepEdge } from "./edges.ts";
import type { PathFault } from "./fault.ts";

type Steps = ReadonlyMap<string, Indexed<WorkflowStepDefinition>>;

/** Steps by id, each with the region it belongs to; the run's own region is "". */
export interface Flow {
  readonly steps: Steps;
  readonly regions: ReadonlyMap<string, Region>;
  readonly faults: readonly PathFault[];
}

export interface Region {
  readonly id: string;
  /** The map and loop steps around it. */
  readonly bodies: readonly ("map" | "loop")[];
}

const RUN: Region = { id: "", bodies: [] };

/** Reachability and circles are only judged where every step has its form. */
export function checkFlow(draft: Draft): Flow {
  // Of steps with one id the first counts.
  const steps: Steps = new Map(draft.steps.toReversed().map((step) => [step.value.id, step]));
  const undos = compensationOf(draft);
  const { regions, faults: shared } = regionsOf(draft, steps, undos);
  const complete = draft.definition !== undefined;
  return {
    steps,
    regions,
    faults: [
      ...duplicates(draft),
      ...branchesTwice(draft),
      ...unknownSteps(draft),
      ...compensationFaults(draft),
      ...shared,
      ...(complete ? unreachable(draft, regions) : []),
      ...(complete ? circles(draft, steps) : []),
    ],
  };
}

/** `[undone, undo]`, as far as the document has them as texts. */
export function compensationOf(draft: Draft): readonly (readonly [string, string])[] {
  const { compensation } = draft.raw;
  if (!isObject(compensation)) return [];
  return Object.entries(compensation).flatMap(([step, undo]) =>
    typeof undo === "string" ? [[step, undo] as const] : [],
  );
}

function duplicates(draft: Draft): readonly PathFault[] {
  const seen = new Map<string, number>();
  return draft.idList.flatMap(({ at, value: id }) => {
    const first = seen.get(id);
    if (first === undefined) seen.set(id, at);
    const path = ["steps", at, "id"];
    const message = `steps[${first}] has this id too`;
    return first === undefined ? [] : [{ path, reason: "duplicate_id" as const, message }];
  });
}

/** Of two branches with one first step the output of one would be lost. */
function branchesTwice(draft: Draft): readonly PathFault[] {
  return draft.steps.flatMap(({ at: index, value: step }) => {
    if (step.type !== "parallel") return [];
    return step.next.flatMap((to, at) => {
      const path = ["steps", index, "next", at];
      const message = `${to} stands here twice: each branch has a first step of its own`;
      return step.next.indexOf(to) === at
        ? []
        : [{ path, reason: "shared_step" as const, message }];
    });
  });
}

function unknownSteps(draft: Draft): readonly PathFault[] {
  const faults = draft.steps.flatMap(({ at, value }) =>
    edgesOf(value).flatMap(({ to, path }) => unknownStep(draft, to, ["steps", at, ...path])),
  );
  const { onFailure } = draft.raw;
  return typeof onFailure === "string"
    ? [...faults, ...unknownStep(draft, onFailure, ["onFailure"])]
    : faults;
}

/** A fault where no step has the id. */
export function unknownStep(
  draft: Draft,
  id: string,
  path: PathFault["path"],
): readonly PathFault[] {
  if (draft.ids.has(id)) return [];
  return [{ path, reason: "unknown_step", message: noStep(draft, id) }];
}

function noStep(draft: Draft, id: string): string {
  const nearest = nearestName(id, draft.ids);
  const guess = nearest === undefined ? "" : `; did you mean ${nearest}?`;
  return `there is no step ${id.slice(0, 100)}${guess}`;
}

function compensationFaults(draft: Draft): readonly PathFault[] {
  const fault = (id: string, step: string, onKey: boolean): readonly PathFault[] =>
    draft.ids.has(id)
      ? []
      : [
          {
            path: ["compensation", step],
            reason: "unknown_compensation",
            message: noStep(draft, id),
            onKey,
          },
        ];
  return compensationOf(draft).flatMap(([step, undo]) => [
    ...fault(step, step, true),
    ...fault(undo, step, false),
    ...undoFaults(draft, step, undo),
    ...(step === undo
      ? [
          {
            path: ["compensation", step],
            reason: "unknown_compensation" as const,
            message: "a step cannot undo itself",
          },
        ]
      : []),
  ]);
}

/** An undo is one call, not a part of the flow. */
function undoFaults(draft: Draft, step: string, undo: string): readonly PathFault[] {
  const type = draft.steps.find(({ value }) => value.id === undo)?.value.type;
  if (type === undefined || type === "action") return [];
  const message = `${undo} is a ${type} step: only an action can undo a step`;
  return [{ path: ["compensation", step], reason: "undo_is_no_action", message }];
}

function regionsOf(
  draft: Draft,
  steps: Steps,
  undos: readonly (readonly [string, string])[],
): { readonly regions: ReadonlyMap<string, Region>; readonly faults: readonly PathFault[] } {
  const regions = new Map<string, Region>();
  const faults: PathFault[] = [];
  const first = draft.steps.find(({ at }) => at === 0)?.value.id;
  const { onFailure } = draft.raw;
  for (const start of [first, typeof onFailure === "string" ? onFailure : undefined]) {
    if (start !== undefined) walk(start, { steps, regions, faults });
  }
  // An undo runs alone; where it is reached by flow as well, it belongs there.
  for (const [, undo] of undos) if (steps.has(undo) && !regions.has(undo)) regions.set(undo, RUN);
  return { regions, faults };
}

interface Walk {
  readonly steps: Steps;
  readonly regions: Map<string, Region>;
  readonly faults: PathFault[];
}

function walk(start: string, { steps, regions, faults }: Walk): void {
  const open: { readonly id: string; readonly region: Region }[] = [];
  const enter = (id: string, region: Region, path: PathFault["path"]) => {
    const known = regions.get(id);
    if (!known) {
      regions.set(id, region);
      open.push({ id, region });
    } else if (known.id !== region.id)
      faults.push({ path, reason: "shared_step", message: shared(id) });
  };
  if (steps.has(start)) enter(start, regions.get(start) ?? RUN, []);
  for (let next = open.pop(); next; next = open.pop()) {
    const step = steps.get(next.id);
    if (!step) continue;
    for (const edge of edgesOf(step.value))
      if (steps.has(edge.to))
        enter(edge.to, regionBehind(step.value, edge, next.region), [
          "steps",
          step.at,
          ...edge.path,
        ]);
  }
}

function shared(id: string): string {
  return `${id} is reached from two branches or bodies; a branch ends where a step has no next, and join or next of the step around it goes on`;
}

function regionBehind(step: WorkflowStepDefinition, edge: StepEdge, region: Region): Region {
  if (!entersRegion(edge.kind)) return region;
  const body = step.type === "map" || step.type === "loop" ? [step.type] : [];
  return { id: `${step.id}/${edge.to}`, bodies: [...region.bodies, ...body] };
}

function unreachable(draft: Draft, regions: ReadonlyMap<string, Region>): readonly PathFault[] {
  return draft.steps.flatMap(({ at, value: { id } }) =>
    regions.has(id)
      ? []
      : [
          {
            path: ["steps", at, "id"],
            reason: "unreachable_step" as const,
            message: `nothing leads to ${id}`,
          },
        ],
  );
}

/** Steps from which no end can be reached, told once for each circle they go round in. Failing is no way out. */
function circles(draft: Draft, steps: Steps): readonly PathFault[] {
  const ending = endingSteps(draft, steps);
  const told = new Set<string>();
  return draft.steps.flatMap(({ value }) => {
    if (ending.has(value.id) || told.has(value.id)) return [];
    const circle = circleFrom(value.id, steps);
    const [first] = circle.flatMap((id) => steps.get(id) ?? []).toSorted((a, b) => a.at - b.at);
    if (!first || told.has(first.value.id)) return [];
    for (const id of [value.id, ...circle]) told.add(id);
    const message = `${circle.join(" -> ")} -> ${circle[0]} goes round for ever: nothing ends it or leads out`;
    return [{ path: ["steps", first.at, "id"], reason: "cycle_without_exit" as const, message }];
  });
}

/** Steps that end, or lead to one that does, without failing. */
function endingSteps(draft: Draft, steps: Steps): ReadonlySet<string> {
  const sources = new Map<string, string[]>();
  const ending = new Set<string>();
  for (const { value } of draft.steps) {
    const onward = flowOf(value);
    const lost = onward.some(({ to }) => !steps.has(to));
    if (canEndAt(value) || lost) ending.add(value.id);
    for (const { to } of onward) sources.set(to, [...(sources.get(to) ?? []), value.id]);
  }
  // A set iterates over what is added to it meanwhile.
  for (const id of ending) for (const source of sources.get(id) ?? []) ending.add(source);
  return ending;
}

/** Follows the first way on until it comes back to where it was. */
function circleFrom(start: string, steps: Steps): readonly string[] {
  const way: string[] = [];
  for (let id: string | undefined = start; id !== undefined; ) {
    const met = way.indexOf(id);
    if (met >= 0) return way.slice(met);
    way.push(id);
    const step: Indexed<WorkflowStepDefinition> | undefined = steps.get(id);
    id = step && flowOf(step.value)[0]?.to;
  }
  return way;
}

function flowOf(step: WorkflowStepDefinition): readonly StepEdge[] {
  return edgesOf(step).filter(({ kind }) => kind !== "error" && !entersRegion(kind));
}
