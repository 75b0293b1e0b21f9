/** placeholder until the media links land */
import type { Vars } from "../schema/vars.ts";
export async function publicMediaUrl(
  vars: Vars,
  key: string,
  expiresAtMs: number,
): Promise<string> {
  return `${vars.PUBLIC_URL}/media/${key}?e=${expiresAtMs}`;
}
