/**
 * The conformance kit of the Serverless Workflow DSL (`ctk.parsed.json`: its features as JSON): each scenario's document
 * is imported and run by the planner. Scenarios whose document is refused are left out, with the reason.
 */
import { isDeepStrictEqual } from "node:util";
import { parse } from "yaml";
import { codeOf } from "../../domain/workflows/cncf/error-value.ts";
import { importCncfText } from "../../domain/workflows/cncf/import.ts";
import type { Json, RunState } from "../../domain/workflows/run/state.ts";
import type { Tally } from "./events-tally.ts";
import { play } from "./workflows-ctk-play.ts";

export interface Scenario {
  readonly file: string;
  readonly name: string;
  readonly steps: readonly { readonly kw: string; readonly text: string; readonly doc?: string }[];
}

type Line = Scenario["steps"][number];

/** Every scenario that maps, as one case: what of it does not hold. */
export function runCtk(scenarios: readonly Scenario[], to: Tally): void {
  for (const scenario of scenarios) {
    if (leftOut(scenario) === undefined)
      to.check(`${scenario.file}: ${scenario.name}`, () => faultsOf(scenario), []);
    else to.leaveOut();
  }
}

/** Why a scenario does not map; undefined where it does. A document that is wrong is no reason: it is run, and fails. */
export function leftOut({ steps }: Scenario): string | undefined {
  const imported = importCncfText(documentOf(steps));
  if (imported.ok) return undefined;
  const refused = imported.failure.filter(
    ({ reason }) => reason === "not_supported" || reason === "expression",
  );
  if (refused.length < imported.failure.length) return undefined;
  return refused.map(({ path, detail }) => `${path}: ${detail}`).join("; ");
}

function faultsOf({ steps }: Scenario): readonly string[] {
  const imported = importCncfText(documentOf(steps));
  if (!imported.ok) return imported.failure.map(({ path, detail }) => `${path}: ${detail}`);
  const input = steps.find(({ text }) => text === "given the workflow input is:")?.doc;
  const state = play(imported.value.definition, input === undefined ? {} : parse(input));
  const checks = steps.slice(
    steps.findIndex(({ text }) => text === "the workflow is executed") + 1,
  );
  return checks.flatMap((line) => (holds(line, state) ? [] : [`${line.text} (${shown(state)})`]));
}

function documentOf(steps: readonly Line[]): string {
  return steps.find(({ text }) => text === "a workflow with definition:")?.doc ?? "";
}

/** One sentence of a scenario. An unknown one does not hold. */
function holds({ text, doc }: Line, state: RunState): boolean {
  const output = outputOf(state);
  const wanted: unknown = doc === undefined ? undefined : parse(doc);
  const names = [...text.matchAll(/'([^']+)'/g)].map(([, name = ""]) => name);
  if (text === "the workflow should complete") return output !== undefined;
  if (text === "the workflow should complete with output:")
    return isDeepStrictEqual(output, wanted);
  if (text === "the workflow should fault") return errorOf(state) !== undefined;
  if (text === "the workflow should fault with error:") return isError(state, wanted);
  if (text.startsWith("the workflow output should have properties"))
    return names.every((name) => member(output, name) !== undefined);
  const value = member(output, names[0] ?? "");
  if (text.endsWith("property with value:")) return isDeepStrictEqual(value, wanted);
  const items = /property containing (\d+) items$/.exec(text)?.[1];
  if (items !== undefined) return Array.isArray(value) && value.length === Number(items);
  return inOrder(text, state);
}

/** `a should run first`, `last`, or `after b`; tasks keep their names as ids of their steps. */
function inOrder(text: string, state: RunState): boolean {
  const [, task = "", when, other = ""] =
    /^(\w+) should run (first|last|after)(?: (\w+))?$/.exec(text) ?? [];
  const ran = Object.values(state.steps)
    .toSorted((one, two) => one.begun - two.begun)
    .map(({ id }) => id)
    .filter((id) => !id.includes("-"));
  if (when === "first") return ran[0] === task;
  if (when === "last") return ran.at(-1) === task;
  return when === "after" && ran.indexOf(other) >= 0 && ran.indexOf(other) < ran.indexOf(task);
}

/** Type and status are in the code; the title is the message. The place of the task (`instance`) is not kept. */
function isError(state: RunState, wanted: unknown): boolean {
  const { type, status, title } = wanted as {
    readonly type: string;
    readonly status: number;
    readonly title: string;
  };
  const error = errorOf(state);
  return error?.reason === codeOf(type, status) && error?.message === title;
}

function errorOf({ ending }: RunState) {
  return ending?.is === "failed" ? ending.error : undefined;
}

function outputOf({ ending }: RunState): Json | undefined {
  return ending?.is === "completed" ? ending.output : undefined;
}

function member(value: unknown, path: string): unknown {
  let at = value;
  for (const key of path.split(".")) {
    if (typeof at !== "object" || at === null || !Object.hasOwn(at, key)) return undefined;
    at = (at as Readonly<Record<string, unknown>>)[key];
  }
  return at;
}

function shown(state: RunState): string {
  return JSON.stringify(state.ending) ?? "no end";
}
