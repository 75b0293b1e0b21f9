/** Every place of a definition where an expression can stand, and what it sees there. */
import type { WorkflowStepDefinition } from "../../../schema/workflow-step.ts";
import type { Root } from "../expression/names.ts";
import type { Draft, Indexed } from "./draft.ts";
import { edgesOf } from "./edges.ts";
import { compensationOf, type Flow } from "./flow.ts";

export interface Place {
  readonly path: readonly (string | number)[];
  /** `mapping` also stands for texts with `{{ }}` in them. */
  readonly is: "expression" | "mapping";
  readonly value: unknown;
  readonly roots: ReadonlySet<Root>;
  /** `{"$secret": …}` may stand here. */
  readonly secrets?: boolean;
}

const RUN_ROOTS: readonly Root[] = ["input", "steps", "run", "vars", "now"];
const START_ROOTS: ReadonlySet<Root> = new Set(["event", "now"]);

export function placesOf(draft: Draft, flow: Flow): readonly Place[] {
  const failing = stepsAfterErrors(draft, flow);
  const undos = new Set(compensationOf(draft).map(([, undo]) => undo));
  return [
    ...draft.steps.flatMap((step) => {
      const roots = new Set<Root>(RUN_ROOTS);
      const bodies = flow.regions.get(step.value.id)?.bodies ?? [];
      if (bodies.includes("map")) roots.add("item");
      if (bodies.length > 0) roots.add("index");
      if (failing.has(step.value.id)) roots.add("error");
      if (undos.has(step.value.id)) roots.add("undo");
      return stepPlaces(step, roots);
    }),
    ...draft.triggers.flatMap(triggerPlaces),
    ...definitionPlaces(draft),
  ];
}

/** Steps that a chain after an error or a failure can come to. */
function stepsAfterErrors(draft: Draft, flow: Flow): ReadonlySet<string> {
  const { onFailure } = draft.raw;
  const found = new Set<string>(typeof onFailure === "string" ? [onFailure] : []);
  for (const { value } of draft.steps) if (value.onError !== undefined) found.add(value.onError);
  // A set iterates over what is added to it meanwhile.
  for (const id of found) {
    const step = flow.steps.get(id)?.value;
    if (step) for (const { to } of edgesOf(step)) found.add(to);
  }
  return found;
}

function definitionPlaces({ raw }: Draft): readonly Place[] {
  const output: readonly Place[] =
    raw.output === undefined
      ? []
      : [{ path: ["output"], is: "mapping", value: raw.output, roots: new Set(RUN_ROOTS) }];
  if (raw.vars === undefined) return output;
  const roots: ReadonlySet<Root> = new Set(["input", "run", "now"]);
  return [...output, { path: ["vars"], is: "mapping", value: raw.vars, roots }];
}

function triggerPlaces({ at, value }: Draft["triggers"][number]): readonly Place[] {
  const expressions = (["condition", "idempotencyKey", "correlationId"] as const).map((field) => ({
    path: ["triggers", at, field],
    is: "expression" as const,
    value: value[field],
    roots: START_ROOTS,
  }));
  const path = ["triggers", at, "input"];
  const input: Place = { path, is: "mapping", value: value.input, roots: START_ROOTS };
  return [...expressions, input].filter((place) => place.value !== undefined);
}

type Fields = readonly (readonly [
  path: readonly (string | number)[],
  is: Place["is"],
  value: unknown,
  extra?: { readonly roots?: readonly Root[]; readonly secrets?: boolean },
])[];

function stepPlaces(
  { at, value: step }: Indexed<WorkflowStepDefinition>,
  roots: ReadonlySet<Root>,
): readonly Place[] {
  const shared: Fields = [
    [["condition"], "expression", "condition" in step ? step.condition : undefined],
    [["output"], "mapping", "output" in step ? step.output : undefined, outputExtra(step)],
  ];
  return [...shared, ...fieldsOf(step)]
    .filter(([, , value]) => value !== undefined)
    .map(([path, is, value, extra]) => ({
      path: ["steps", at, ...path],
      is,
      value,
      roots: extra?.roots ? new Set([...roots, ...extra.roots]) : roots,
      ...(extra?.secrets ? { secrets: true } : {}),
    }));
}

function outputExtra(step: WorkflowStepDefinition): { readonly roots: readonly Root[] } {
  return { roots: step.type === "event" ? ["output", "event"] : ["output"] };
}

function fieldsOf(step: WorkflowStepDefinition): Fields {
  switch (step.type) {
    case "action":
      return [[["with"], "mapping", step.with, { secrets: true }]];
    case "workflow":
      return [[["with"], "mapping", step.with]];
    case "switch":
      return step.cases.map(({ when }, index) => [["cases", index, "when"], "expression", when]);
    case "map":
      return [[["each"], "expression", step.each]];
    case "loop":
      return [[["while"], "expression", step.while, { roots: ["index"] }]];
    case "wait":
      return [
        [["for"], "expression", computed(step.for)],
        [["until"], "expression", computed(step.until)],
      ];
    case "event":
      return [
        [["match"], "expression", step.match, { roots: ["event"] }],
        [["event", "correlation"], "expression", step.event?.correlation],
      ];
    case "approval":
      return approvalFields(step);
    case "set":
      return [[["values"], "mapping", step.values]];
    case "fail":
      return [[["message"], "mapping", step.message]];
    default:
      return [];
  }
}

/** A duration or moment that only a run knows. */
export function computed(value: unknown): string | undefined {
  return typeof value === "string" && value.includes("{{") ? value : undefined;
}

function approvalFields(step: Extract<WorkflowStepDefinition, { type: "approval" }>): Fields {
  const asked = (value: unknown) => (typeof value === "string" ? value : undefined);
  return [
    [["title"], "mapping", step.title],
    [["text"], "mapping", step.text],
    [["channel", "to"], "mapping", step.channel?.to],
    [["assignees"], "expression", asked(step.assignees)],
    ...(step.escalations ?? []).map(
      ({ assignees }, index) =>
        [["escalations", index, "assignees"], "expression", asked(assignees)] as const,
    ),
  ];
}
