/**
 * Definitions on their way in: read from JSON, YAML or the text of either, checked with everything that is wrong at
 * once, and stored as a version that never changes. The first version of a workflow takes its new runs.
 */
import type * as z from "zod";
import { HubError } from "../../domain/errors.ts";
import { fail, ok, type Result } from "../../domain/result.ts";
import type { CncfFault } from "../../domain/workflows/cncf/faults.ts";
import { importCncfText, isCncf } from "../../domain/workflows/cncf/import.ts";
import type { ActionCatalogue } from "../../domain/workflows/definition/actions.ts";
import { canonicalText } from "../../domain/workflows/definition/canonical.ts";
import { type DefinitionFault, pathText } from "../../domain/workflows/definition/fault.ts";
import { checkDefinition, loadDefinition } from "../../domain/workflows/definition/load.ts";
import { readSource, type Source } from "../../domain/workflows/definition/source.ts";
import { databaseFor } from "../../platform/database.ts";
import { limitedVersions } from "../../platform/repositories/workflow-insight.ts";
import { findVersion, insertVersion } from "../../platform/repositories/workflows.ts";
import type { UploadView, ValidationView } from "../../schema/api/workflows.ts";
import type { WorkflowDefinition } from "../../schema/workflow.ts";
import { parseJson, sound } from "../http/body.ts";
import type { ApiDeps } from "../http/deps.ts";
import { actionCatalogue } from "../workflows/actions/registry.ts";
import { missingNotes, type UploadNote } from "./workflow-notes.ts";
import { ensureRoute } from "./workflow-route.ts";

/** Media types of a definition's own text. */
export const YAML_TYPES = ["application/yaml", "application/x-yaml", "text/yaml"] as const;

/** Ids that would stand where the API has paths of its own. */
const RESERVED_IDS: ReadonlySet<string> = new Set(["ready", "schema", "validate"]);

/** What an upload has to say of a place in it. */
interface Fault {
  readonly line: number;
  readonly column: number;
  readonly path: string;
  readonly reason: string;
  readonly message: string;
}

interface Upload {
  readonly definition: WorkflowDefinition;
  readonly digest: string;
  readonly source: string;
  readonly notes: readonly UploadNote[];
}

interface UploadCall {
  readonly tenant: string;
  readonly headers: Headers;
  readonly bytes: Uint8Array;
  readonly nowMs: number;
}

/** Throws what `readUpload` does, and conflict where the version is another one. */
export async function storeUpload(
  deps: ApiDeps,
  call: UploadCall,
): Promise<{ readonly created: boolean; readonly view: z.output<typeof UploadView> }> {
  const { tenant, nowMs } = call;
  const { definition, digest, source, notes } = await readUpload(deps, call);
  const { id, version, name } = definition;
  const db = databaseFor(deps.env, tenant);
  const limit = await limitedVersions(db, tenant, id, version);
  if (limit) throw new HubError("conflict", limit);
  const stored = { tenant, id, version, name, source, definition, digest, createdAtMs: nowMs };
  const done = await insertVersion(db, stored);
  if (!done.ok)
    throw new HubError("conflict", `version ${version} is there with another definition`);
  const route = await ensureRoute(deps, { tenant, workflow: id }, version, nowMs);
  const { created } = done.value;
  if (created) deps.log("workflow.uploaded", { tenant, kind: id });
  const active = route.active === version;
  return {
    created,
    view: { workflow: id, version, name, digest, active, notes: [...notes] },
  };
}

/** As `storeUpload`, and changes nothing. */
export async function validateUpload(
  deps: ApiDeps,
  call: UploadCall,
): Promise<z.output<typeof ValidationView>> {
  const { definition, digest, notes } = await readUpload(deps, call);
  const { id, version } = definition;
  const stored = await findVersion(databaseFor(deps.env, call.tenant), call.tenant, id, version);
  const same = stored?.digest === digest ? "nothing" : "conflict";
  const outcome = stored ? same : "create";
  return { workflow: id, version, digest, outcome, notes: [...notes], definition };
}

/** Throws invalid_json, unsupported_media_type, bad_request, validation_failed, or unprocessable with every fault. */
async function readUpload(deps: ApiDeps, call: UploadCall): Promise<Upload> {
  const { headers, bytes, tenant, nowMs } = call;
  const source = sourceOf(headers, bytes);
  const catalogue = await actionCatalogue(deps.env, tenant);
  const read = readDefinition(source, catalogue);
  if (!read.ok) {
    const faults = read.failure;
    const count = faults.length === 1 ? "one fault" : `${faults.length} faults`;
    throw new HubError("unprocessable", `the definition has ${count}`, { extensions: { faults } });
  }
  // Half a surrogate pair comes back from no database as it went in.
  const definition = sound(read.value.definition) as WorkflowDefinition;
  const digest = await sha256(canonicalText(definition));
  const secrets = catalogue.secrets?.rules ?? new Map();
  const missing = await missingNotes(deps, { tenant, secrets, nowMs }, definition);
  return { definition, digest, source, notes: [...read.value.notes, ...missing] };
}

/** The text of the definition: of JSON it is the body itself, so that places in it can be named. */
function sourceOf(headers: Headers, bytes: Uint8Array): string {
  const type = (headers.get("content-type") ?? "").split(";")[0]?.trim().toLowerCase() ?? "";
  if ((YAML_TYPES as readonly string[]).includes(type)) return utf8(bytes);
  if (type !== "application/json")
    throw new HubError("unsupported_media_type", "send application/json or application/yaml");
  const json = sound(jsonOf(bytes));
  if (typeof json !== "object" || json === null || Array.isArray(json))
    throw invalid("#", "a definition is an object");
  const { source, tenant } = json as Readonly<Record<string, unknown>>;
  // Elsewhere a body may name the tenant; this one is the definition itself.
  if (tenant !== undefined) throw invalid("#/tenant", "name the tenant in the query");
  if (source === undefined) return utf8(bytes);
  if (typeof source !== "string") throw invalid("#/source", "must be the text of a definition");
  if (Object.keys(json).length > 1) throw invalid("#", "source stands alone");
  return source;
}

/** Throws invalid_json that says where, as the reader of YAML finds it. */
function jsonOf(bytes: Uint8Array): unknown {
  try {
    return parseJson(bytes);
  } catch {
    const read = readSource(utf8(bytes));
    const [first] = read.ok ? [] : read.failure;
    throw new HubError(
      "invalid_json",
      first
        ? `line ${first.line}, column ${first.column}: ${first.message}`
        : "it can be read as YAML, but not as JSON: send it as application/yaml",
    );
  }
}

function utf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new HubError("bad_request", "the body is not UTF-8");
  }
}

function invalid(pointer: string, detail: string): HubError {
  return new HubError("validation_failed", undefined, {
    extensions: { errors: [{ pointer, detail }] },
  });
}

type Read = Result<Pick<Upload, "definition" | "notes">, readonly Fault[]>;

function readDefinition(text: string, catalogue: ActionCatalogue | undefined): Read {
  const source = readSource(text);
  if (source.ok && isCncf(source.value.value)) return imported(text, source.value, catalogue);
  const loaded = loadDefinition(text, catalogue);
  if (!loaded.ok) return loaded;
  const { id } = loaded.value;
  if (!RESERVED_IDS.has(id) || !source.ok) return ok({ definition: loaded.value, notes: [] });
  const message = `${id} is a path of the API`;
  return fail([source.value.place({ path: ["id"], reason: "schema", message })]);
}

function imported(text: string, source: Source, catalogue: ActionCatalogue | undefined): Read {
  const done = importCncfText(text);
  if (!done.ok) return fail(done.failure.map((fault) => placedFault(source, fault)));
  const { definition, notes } = done.value;
  const checked = checkDefinition(definition, catalogue);
  if (checked.ok) return ok({ definition, notes });
  // What it became has no text of its own.
  return fail(
    checked.failure.map(({ path, reason, message }) => {
      const where = `in what it becomes, ${pathText(path)}: ${message}`;
      return source.place({ path: [], reason, message: where });
    }),
  );
}

/** The fault keeps its pointer: it is one into the document. */
function placedFault(source: Source, { path, reason, detail }: CncfFault): Fault {
  const parts = path
    .split("/")
    .slice(1)
    .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
  const place: DefinitionFault = source.place({ path: parts, reason: "schema", message: detail });
  return { line: place.line, column: place.column, path, reason, message: detail };
}

async function sha256(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return new Uint8Array(digest).toHex();
}
