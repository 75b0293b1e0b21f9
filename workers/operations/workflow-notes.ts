/** What a definition names that is not there yet: no fault, since it may come later, but a run that needs it fails. */
import { pathText } from "../../domain/workflows/definition/fault.ts";
import { type NamedThing, namedThings } from "../../domain/workflows/definition/named.ts";
import { databaseFor } from "../../platform/database.ts";
import { findEventType } from "../../platform/repositories/event-types.ts";
import { findVersion, readRoute } from "../../platform/repositories/workflows.ts";
import type { WorkflowDefinition } from "../../schema/workflow.ts";
import type { ApiDeps } from "../http/deps.ts";

/** Things that one upload looks for; of further ones nothing is said. */
const LOOKED_FOR_MAX = 50;

export interface UploadNote {
  readonly path: string;
  readonly detail: string;
}

interface Place {
  readonly tenant: string;
  /** Names of the tenant's secrets. */
  readonly secrets: { has(name: string): boolean };
  readonly nowMs: number;
}

/** One note for each thing, at its first place. */
export async function missingNotes(
  deps: ApiDeps,
  place: Place,
  definition: WorkflowDefinition,
): Promise<readonly UploadNote[]> {
  const things = new Map<string, NamedThing>();
  for (const thing of namedThings(definition)) {
    const key = JSON.stringify([thing.kind, thing.name, thing.version]);
    if (!things.has(key) && things.size < LOOKED_FOR_MAX) things.set(key, thing);
  }
  const notes = await Promise.all(
    [...things.values()].map(async (thing) => {
      const there = await isThere(deps, place, thing);
      return there ? [] : [{ path: pathText(thing.path), detail: wordsOf(thing) }];
    }),
  );
  return notes.flat();
}

async function isThere(
  { env, directory }: ApiDeps,
  { tenant, secrets, nowMs }: Place,
  { kind, name, version }: NamedThing,
): Promise<boolean> {
  const db = databaseFor(env, tenant);
  switch (kind) {
    case "secret":
      return secrets.has(name);
    case "connection":
      // Of another tenant's connection nothing may be told.
      return (await directory.byId(name, nowMs))?.connection.tenant === tenant;
    case "event_type":
      return (await findEventType(db, tenant, name)) !== undefined;
    case "workflow":
      return version === undefined
        ? (await readRoute(db, tenant, name)) !== undefined
        : (await findVersion(db, tenant, name, version)) !== undefined;
  }
}

function wordsOf({ kind, name, version }: NamedThing): string {
  const of = version === undefined ? name : `${name} ${version}`;
  return `there is no ${kind.replace("_", " ")} ${of} yet`;
}
