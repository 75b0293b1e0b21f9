/** The tenant an operator names must be there before anything is made for it. */
import { HubError } from "../../domain/errors.ts";
import type { Caller } from "../http/authenticate.ts";
import type { ApiDeps } from "../http/deps.ts";

/** Throws not_found. A tenant's own key was found with its tenant. */
export async function needTenant(
  { directory }: ApiDeps,
  caller: Caller | undefined,
  tenant: string,
  nowMs: number,
): Promise<void> {
  if (caller?.kind === "tenant") return;
  if (!(await directory.tenant(tenant, nowMs))) throw new HubError("not_found", "no such tenant");
}
