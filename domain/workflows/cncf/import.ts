/**
 * Documents of the Serverless Workflow DSL 1.0 become definitions of ours: what maps, with every fault at once where
 * something does not. The data that goes from task to task is a variable, `vars.data`; `$context` is `vars.context`.
 */
import { parseDocument } from "yaml";
import type { WorkflowDefinition } from "../../../schema/workflow.ts";
import type { WorkflowStepDefinition } from "../../../schema/workflow-step.ts";
import { fail, ok, type Result } from "../../result.ts";
import { checkDefinition } from "../definition/load.ts";
import { type Build, type CncfNote, type Members, newBuild, type Scope } from "./build.ts";
import { raisedTypes } from "./error-value.ts";
import { type CncfFault, type Place, placeIn } from "./faults.ts";
import { cel } from "./jq-cel.ts";
import { namesIn } from "./names.ts";
import { reachedFrom } from "./reach.ts";
import { namedTimeout, onlyMembers } from "./task.ts";
import { taskList } from "./task-list.ts";
import { workflowId } from "./task-run.ts";
import { triggersOf } from "./trigger.ts";
import { membersOf, shaped, shown } from "./value.ts";

/** Largest document, in characters. */
export const CNCF_CHARS_MAX = 256 * 1024;
/** Deepest nesting of a document's members. */
const DEPTH_MAX = 64;

export interface CncfImport {
  readonly definition: WorkflowDefinition;
  /** Where the run differs in something from what the DSL promises. */
  readonly notes: readonly CncfNote[];
}

/** True for a parsed document of the DSL: `document.dsl` is there. */
export function isCncf(document: unknown): boolean {
  return membersOf(membersOf(document)?.document)?.dsl !== undefined;
}

/** From YAML or JSON text. */
export function importCncfText(text: string): Result<CncfImport, readonly CncfFault[]> {
  const faults: CncfFault[] = [];
  const place = placeIn(faults);
  if (text.length > CNCF_CHARS_MAX) {
    place.fault("too_large", `longer than ${CNCF_CHARS_MAX} characters`);
    return fail(faults);
  }
  try {
    const yaml = parseDocument(text, { prettyErrors: true });
    for (const { message } of yaml.errors) place.fault("not_yaml", message);
    return faults.length > 0 ? fail(faults) : importCncf(yaml.toJS({ maxAliasCount: 100 }));
  } catch {
    place.fault("not_yaml", "cannot be read");
    return fail(faults);
  }
}

/** From a parsed document. */
export function importCncf(parsed: unknown): Result<CncfImport, readonly CncfFault[]> {
  const faults: CncfFault[] = [];
  const place = placeIn(faults);
  const root = membersOf(parsed);
  if (root === undefined || !isCncf(root)) {
    place.fault(
      "invalid",
      "is no document of the Serverless Workflow DSL: document.dsl is missing",
    );
    return fail(faults);
  }
  if (depthOf(root) > DEPTH_MAX) {
    place.fault("too_large", `nested deeper than ${DEPTH_MAX} levels`);
    return fail(faults);
  }
  const { draft, notes } = drafted(root, place);
  if (faults.length > 0) return fail(faults);
  const checked = checkDefinition(draft);
  if (checked.ok) return ok({ definition: checked.value, notes });
  for (const { path, message } of checked.failure)
    place.fault("no_definition", `${path.join(".")} of the definition: ${message}`);
  return fail(faults);
}

function drafted(
  root: Members,
  place: Place,
): { readonly draft: unknown; readonly notes: readonly CncfNote[] } {
  onlyMembers(root, ["document", "input", "use", "do", "timeout", "output", "schedule"], place);
  const document = membersOf(root.document) ?? {};
  const id = head(document, place.at("document"));
  const name = shown(document.name);
  const about = { name, namespace: shown(document.namespace), version: shown(document.version) };
  const build = newBuild({ root, document: about, errorTypes: raisedTypes(root) }, taskList);
  const scope: Scope = { data: "data", inner: false, names: new Map() };
  refuseUse(membersOf(root.use) ?? {}, place.at("use"));
  const first = build.list(root.do, place.at("do"), scope, undefined);
  if (first === undefined) place.at("do").fault("invalid", "has no tasks");
  const timeout = namedTimeout(build, root.timeout, place.at("timeout"));
  const triggers = triggersOf(build, place.at("schedule"));
  const draft = {
    id,
    name: typeof document.title === "string" ? document.title : name,
    version: about.version,
    ...(typeof document.summary === "string" ? { description: document.summary } : {}),
    ...inputOf(root, place.at("input")),
    vars: { data: dataOf(build, scope, root, place), context: null },
    output: outputOf(build, scope, root, place),
    ...(timeout === undefined ? {} : { timeout }),
    ...(triggers.length === 0 ? {} : { triggers }),
    steps: ordered(build, first),
  };
  return { draft, notes: build.notes };
}

function head(document: Members, place: Place): string {
  const { dsl } = document;
  const known = ["dsl", "namespace", "name", "version", "title", "summary", "tags", "metadata"];
  onlyMembers(document, known, place);
  if (typeof dsl !== "string" || !/^1\.0\.\d+/.test(dsl))
    place.at("dsl").fault("not_supported", `DSL ${shown(dsl)}: 1.0 is read here`);
  if (typeof document.version !== "string") place.at("version").fault("invalid", "is no version");
  return workflowId(document, place);
}

function refuseUse(use: Members, place: Place): void {
  const known = ["authentications", "errors", "functions", "retries", "secrets", "timeouts"];
  for (const name of ["extensions", "catalogs"])
    if (use[name] !== undefined)
      place.at(name).fault("not_supported", `${name} are not taken over`);
  onlyMembers(use, [...known, "extensions", "catalogs"], place);
}

/** The schema of the input, where it stands in the document itself and is JSON Schema. */
function inputOf(root: Members, place: Place): { readonly input?: unknown } {
  const input = membersOf(root.input) ?? {};
  const schema = membersOf(input.schema);
  onlyMembers(input, ["schema", "from"], place);
  if (schema === undefined) return {};
  const json = schema.format === undefined || schema.format === "json";
  if (json && membersOf(schema.document)) return { input: schema.document };
  place.at("schema").fault("not_supported", "a schema that is elsewhere, or not JSON Schema");
  return {};
}

function dataOf(build: Build, scope: Scope, root: Members, place: Place) {
  const from = membersOf(root.input)?.from;
  if (from === undefined) return "{{ input }}";
  return shaped(from, place.at("input").at("from"), namesIn(build, scope, { dot: cel("input") }));
}

function outputOf(build: Build, scope: Scope, root: Members, place: Place) {
  const output = membersOf(root.output) ?? {};
  onlyMembers(output, ["as", "schema"], place.at("output"));
  if (output.schema !== undefined)
    build.notes.push({ path: "/output/schema", detail: "the schema of the output is not checked" });
  if (output.as === undefined) return "{{ vars.data }}";
  return shaped(output.as, place.at("output").at("as"), namesIn(build, scope));
}

/** The first task stands first. Tasks that nothing leads to are left out: a definition has none. */
function ordered(build: Build, first: string | undefined): readonly WorkflowStepDefinition[] {
  const steps = build.steps();
  const reached = reachedFrom(first, steps);
  for (const { id } of steps)
    if (!reached.has(id))
      build.notes.push({ path: "/do", detail: `left out: nothing leads to ${id}` });
  const kept = steps.filter(({ id }) => reached.has(id));
  return kept.toSorted((a, b) => Number(b.id === first) - Number(a.id === first));
}

function depthOf(value: unknown): number {
  let level: readonly unknown[] = [value];
  let depth = 0;
  while (level.length > 0 && depth <= DEPTH_MAX) {
    depth += 1;
    level = level.flatMap((one) =>
      typeof one === "object" && one !== null ? Object.values(one) : [],
    );
  }
  return depth;
}
