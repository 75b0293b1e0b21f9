/** What lives as long as an isolate: parsed environment, vault, directory, conversation ids. Made on first use. */
import { type ConversationIds, createConversationIds } from "../platform/conversation-id.ts";
import { createDirectory, type Directory } from "../platform/directory.ts";
import { createVault, type Vault } from "../platform/vault.ts";
import { parseVars, type Vars } from "../schema/vars.ts";

export interface Isolate {
  readonly vars: Vars;
  readonly vault: Vault;
  readonly directory: Directory;
  readonly ids: ConversationIds;
}

const isolates = new WeakMap<object, Isolate>();

/** Throws once per isolate, naming every bad variable, where the environment is wrong. */
export function isolateOf(env: Env): Isolate {
  const known = isolates.get(env);
  if (known) return known;
  const vars = parseVars(env);
  const vault = createVault(env.DB, vars.KEK);
  const simulators = vars.SIMULATORS;
  const options = { ttlMs: vars.TENANT_CACHE_MS, ...(simulators ? { simulators } : {}) };
  const made = {
    vars,
    vault,
    directory: createDirectory(env.DB, vault, options),
    ids: createConversationIds(vars.ID_SECRET),
  };
  isolates.set(env, made);
  return made;
}
