/** Optimistic concurrency: an ETag is the row's `updated_at`, which every change moves forward. */
import { HubError } from "../../domain/errors.ts";

export function etagOf(row: { readonly updatedAt: number }): string {
  return `"${row.updatedAt.toString(36)}"`;
}

/** Throws precondition_failed where `If-Match` is given and names another version. */
export function checkIfMatch(headers: Headers, row: { readonly updatedAt: number }): void {
  const wanted = headers.get("if-match");
  if (wanted === null || wanted.trim() === "*") return;
  const tags = wanted.split(",").map((tag) => tag.trim());
  if (!tags.includes(etagOf(row))) throw new HubError("precondition_failed");
}

/** True where `If-None-Match` says the caller already has this version. */
export function isUnchanged(headers: Headers, row: { readonly updatedAt: number }): boolean {
  const known = headers.get("if-none-match") ?? "";
  return known.split(",").some((tag) => tag.trim().replace(/^W\//, "") === etagOf(row));
}
