/** What the admin API is given: bindings, parsed environment and the parts that live as long as the isolate. */

import type { Directory } from "../../platform/directory.ts";
import type { callOnce } from "../../platform/http.ts";
import type { logLine } from "../../platform/log.ts";
import type { Vault } from "../../platform/vault.ts";
import type { Vars } from "../../schema/vars.ts";

export interface ApiDeps {
  readonly env: Env;
  readonly vars: Vars;
  readonly vault: Vault;
  readonly directory: Directory;
  /** One HTTP call to a platform, never repeated. */
  readonly callOnce: typeof callOnce;
  /** ms since the epoch. */
  now(): number;
  /** One structured line; ids only. */
  readonly log: typeof logLine;
  /** Makes changed or revoked keys of a tenant count at once in this isolate. Set by `createApi`. */
  forgetKeys?(tenant: string): void;
}
