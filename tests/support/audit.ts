/** A hub's audit trails from outside, and their rows on the disk of a hub that stands still. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Hub } from "../../dev/runtime.ts";
import type { AuditEntry } from "../../domain/audit/entry.ts";

export interface TrailVerified {
  readonly ok: boolean;
  readonly entries: number;
  readonly head: { readonly seq: number; readonly hash: string };
  readonly sealedHeads: number;
  readonly firstBroken?: { readonly seq: number; readonly reason: string };
}

/** As the operator. `query` names the trail with `tenant`; without it it is the hub's own. */
export async function readAudit<T>(
  hub: Hub,
  path: "" | "/verify" | "/export",
  query: Readonly<Record<string, string>> = {},
): Promise<T> {
  const url = `${hub.url}/audit${path}?${new URLSearchParams(query)}`;
  const answer = await fetch(url, { headers: { authorization: `Bearer ${hub.adminKey}` } });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`GET /audit${path}: ${answer.status} ${text}`);
  return (path === "/export" ? text : JSON.parse(text)) as T;
}

export async function trailOf(
  hub: Hub,
  query: Readonly<Record<string, string>> = {},
): Promise<readonly AuditEntry[]> {
  const page = await readAudit<{ items: AuditEntry[] }>(hub, "", { limit: "200", ...query });
  return page.items;
}

export const verified = (hub: Hub, query: Readonly<Record<string, string>> = {}) =>
  readAudit<TrailVerified>(hub, "/verify", query);

/** Opens the rows of every trail of a hub that is down. */
export function trailFiles(stateDir: string): readonly DatabaseSync[] {
  const files = readdirSync(stateDir, { recursive: true, encoding: "utf8" });
  return files
    .filter((file) => /Audit\b.*\.sqlite$/.test(file) && !file.endsWith("metadata.sqlite"))
    .map((file) => new DatabaseSync(join(stateDir, file)));
}
