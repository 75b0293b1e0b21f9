/** A message that names a stored file may only name one of its own tenant: else it would open another's. */
import { HubError } from "../../domain/errors.ts";
import { tenantOfKey } from "../../domain/media/link.ts";

interface Carried {
  readonly source: { readonly from: string; readonly key?: string };
}

/** Throws `not_found` for a foreign key, and for what is no key of a stored file. */
export function checkOwnFiles(tenant: string, media: readonly Carried[]): void {
  for (const { source } of media) {
    if (source.from === "stored" && tenantOfKey(source.key ?? "") !== tenant)
      throw new HubError("not_found", "no such file");
  }
}
