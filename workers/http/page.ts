/**
 * Pages of lists: `?limit=&cursor=` in, `{items, nextCursor?}` out. A cursor is opaque, signed, and
 * good only for the list (route and tenant) it came from.
 */
import * as z from "zod";
import { HubError } from "../../domain/errors.ts";
import { openSigned, signText } from "../../domain/security/signed-text.ts";

const LIMIT_DEFAULT = 50;
const LIMIT_MAX = 200;

/** Query members of every list route; spread its `.shape` into the route's own. */
export const PageQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(LIMIT_MAX).default(LIMIT_DEFAULT),
  cursor: z.string().max(2048).optional(),
});

/** The wire shape of a page. */
export function pageOf<T extends z.ZodType>(item: T) {
  return z.object({ items: z.array(item), nextCursor: z.string().optional() });
}

/** The place a cursor stands for (`after`: the last key of the page before), or undefined for the first page. */
export async function openCursor(
  secret: string,
  list: string,
  cursor: string | undefined,
): Promise<string | undefined> {
  if (cursor === undefined) return undefined;
  const after = await openSigned(secret, `cursor ${list}`, cursor);
  if (after === undefined) throw new HubError("bad_request", "the cursor is not one of this list");
  return after;
}

/** Cuts a result of `limit + 1` rows into a page with its cursor. */
export async function cutPage<T>(
  secret: string,
  list: string,
  rows: readonly T[],
  limit: number,
  keyOf: (row: T) => string,
): Promise<{ readonly items: readonly T[]; readonly nextCursor?: string }> {
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  if (rows.length <= limit || last === undefined) return { items };
  return { items, nextCursor: await signText(secret, `cursor ${list}`, keyOf(last)) };
}
