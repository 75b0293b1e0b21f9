/**
 * The definition that a document becomes, while it grows: its steps, the ids and variables that are taken, what the
 * document declares for reuse. One per import.
 */
import { WorkflowStepDefinition } from "../../../schema/workflow-step.ts";
import type { RetryRule } from "../../../schema/workflow-value.ts";
import { caughtError } from "./error-value.ts";
import type { Place } from "./faults.ts";
import { type Cel, cel } from "./jq-cel.ts";

/** A JSON object of the document; its members are read by name, never spread. */
export type Members = Readonly<Record<string, unknown>>;

/** A difference that changes nothing about what is taken over, but that its author should know. */
export interface CncfNote {
  readonly path: string;
  readonly detail: string;
}

/** What tasks of one list see and where they go on. */
export interface Scope {
  /** The variable that holds the current data, `.` in expressions. */
  readonly data: string;
  /** Inside of a branch or a loop body: no way leads out of it. */
  readonly inner: boolean;
  /** Variables of loops and catches: `$name` and its CEL. */
  readonly names: ReadonlyMap<string, Cel>;
  /** Where a failed step goes on; its error is in `variable` then. */
  readonly caught?: { readonly entry: string; readonly variable: string };
  /** Of every call in it. */
  readonly retry?: RetryRule;
}

/** A step of a row. Gets its id, the one after it (undefined: the row ends there) and the one before it. */
export type Part = (id: string, next: string | undefined, before: string) => void;

export interface Build {
  readonly root: Members;
  readonly notes: CncfNote[];
  readonly document: {
    readonly name: string;
    readonly namespace: string;
    readonly version: string;
  };
  /** Types of errors that the document raises, by their short name. */
  readonly errorTypes: ReadonlyMap<string, string>;
  /** A list of tasks; gives the id of the first. `next` undefined: the end of the run, branch or body. */
  list(tasks: unknown, place: Place, scope: Scope, next: string | undefined): string | undefined;
  id(wanted: string): string;
  variable(kind: string): string;
  push(step: WorkflowStepDefinition, place: Place, scope: Scope): void;
  row(parts: readonly Part[], entry: string, next: string | undefined): void;
  steps(): readonly WorkflowStepDefinition[];
}

/** Longest id that is made of a task's name: a number may follow. */
const ID_CHARS_MAX = 56;

/** Starts with no steps. `list` is `task-list.ts`: given, as it calls back. */
export function newBuild(
  of: Pick<Build, "root" | "document" | "errorTypes">,
  list: (build: Build, ...args: Parameters<Build["list"]>) => string | undefined,
): Build {
  const steps: WorkflowStepDefinition[] = [];
  const taken = new Set<string>();
  let variables = 0;
  const build: Build = {
    ...of,
    notes: [],
    list: (...args) => list(build, ...args),
    id: (wanted) => {
      const id = freeOf(plain(wanted), taken);
      taken.add(id);
      return id;
    },
    variable: (kind) => {
      variables += 1;
      return `${kind}${variables}`;
    },
    push: (step, place, scope) => {
      const checked = WorkflowStepDefinition.safeParse(step);
      if (!checked.success) {
        const [issue] = checked.error.issues;
        place.fault("too_large", `${issue?.path.join(".")}: ${issue?.message}`);
      }
      if (!scope.caught) return void steps.push(step);
      const onError = build.id(`${step.id}-error`);
      const { entry, variable } = scope.caught;
      const values = { [variable]: caughtError(step.id, place.path, build.errorTypes) };
      steps.push({ ...step, onError }, { id: onError, type: "set", values, next: entry });
    },
    row: (parts, entry, next) => {
      const ids = parts.map((_, at) => (at === 0 ? entry : build.id(`${entry}-${at + 1}`)));
      for (const [at, part] of parts.entries())
        part(ids[at] ?? entry, ids[at + 1] ?? next, ids[at - 1] ?? entry);
    },
    steps: () => steps,
  };
  return build;
}

/** `vars.name` as CEL. */
export function variableCel(name: string): Cel {
  return cel(`vars.${name}`);
}

function plain(name: string): string {
  const id = name.replace(/[^A-Za-z0-9_-]/g, "-").slice(0, ID_CHARS_MAX);
  return /^[A-Za-z_]/.test(id) ? id : `_${id}`;
}

function freeOf(id: string, taken: ReadonlySet<string>): string {
  if (!taken.has(id)) return id;
  let count = 2;
  while (taken.has(`${id}-${count}`)) count += 1;
  return `${id}-${count}`;
}
