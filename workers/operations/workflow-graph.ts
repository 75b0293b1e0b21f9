/** Pictures of definitions and runs, as Mermaid or SVG, whichever is asked for. */
import * as z from "zod";
import { mermaidOf } from "../../domain/workflows/graph/mermaid.ts";
import { graphOf, type RunStates, type StepState } from "../../domain/workflows/graph/model.ts";
import { svgOf } from "../../domain/workflows/graph/svg.ts";
import { wayOf } from "../../domain/workflows/graph/way.ts";
import type { RunState, StepRecord } from "../../domain/workflows/run/state.ts";
import type { WorkflowDefinition } from "../../schema/workflow.ts";

/** IANA, application/vnd.mermaid. */
const MERMAID_TYPE = "application/vnd.mermaid";
const SVG_TYPE = "image/svg+xml";
/** Opened by itself in a browser, a picture does nothing but show itself. */
const SVG_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox";

export const GRAPH_RESPONSE = {
  description: "The picture",
  type: MERMAID_TYPE,
  schema: z.string(),
  also: { [SVG_TYPE]: z.string() },
};

interface Wish {
  readonly format?: "mermaid" | "svg" | undefined;
  readonly headers: Headers;
  /** Of the run that is drawn. */
  readonly state?: Pick<RunState, "steps" | "undos">;
}

export function graphAnswer(
  definition: WorkflowDefinition,
  { format, headers, state }: Wish,
): Response {
  const graph = state ? graphOf(definition, statesOf(state), wayOf(state)) : graphOf(definition);
  const svg = format === undefined ? prefersSvg(headers.get("accept")) : format === "svg";
  const type = svg ? SVG_TYPE : MERMAID_TYPE;
  return new Response(svg ? svgOf(graph) : mermaidOf(graph), {
    headers: {
      "content-type": type,
      "cache-control": "no-store",
      vary: "accept",
      ...(svg ? { "content-security-policy": SVG_POLICY } : {}),
    },
  });
}

/** Whether a picture is named in it before Mermaid is; weights are not read. */
export function prefersSvg(accept: string | null): boolean {
  const types = (accept ?? "").split(",").map((part) => part.split(";")[0]?.trim().toLowerCase());
  const wanted = types.find(
    (type) => type === MERMAID_TYPE || type === SVG_TYPE || type === "image/*",
  );
  return wanted !== undefined && wanted !== MERMAID_TYPE;
}

/** What became of each step: of several executions of one, the one that people must look at first. */
export function statesOf({ steps, undos }: Pick<RunState, "steps" | "undos">): RunStates {
  const undone = new Map(undos.map(({ key, status }) => [key, status]));
  const states = new Map<string, StepState>();
  for (const record of Object.values(steps)) {
    const state = stateOf(record, undone.get(record.key));
    const before = states.get(record.id);
    if (before === undefined || WEIGHT[state] > WEIGHT[before]) states.set(record.id, state);
  }
  for (const { undo, status } of undos) {
    const state = UNDO_STATES[status];
    if (state && !states.has(undo)) states.set(undo, state);
  }
  return Object.fromEntries(states);
}

const WEIGHT: Readonly<Record<StepState, number>> = {
  skipped: 0,
  cancelled: 1,
  succeeded: 2,
  compensated: 3,
  waiting: 4,
  running: 5,
  retrying: 6,
  failed: 7,
  compensation_failed: 8,
};

const UNDO_STATES = {
  pending: undefined,
  skipped: undefined,
  running: "running",
  retrying: "retrying",
  succeeded: "succeeded",
  failed: "failed",
} as const;

function stateOf({ status }: StepRecord, undo: string | undefined): StepState {
  if (undo === "succeeded") return "compensated";
  return undo === "failed" ? "compensation_failed" : status;
}
