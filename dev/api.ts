/** Reads the hub's REST API with the operator's key, page by page. */

export interface ApiAccess {
  readonly url: string;
  readonly adminKey: string;
}

/** One page as every list of the API answers. */
interface Page<T> {
  readonly items: readonly T[];
  readonly nextCursor?: string;
}

/** GETs `path` and parses the answer. Throws with status and body when it is not 2xx. */
export async function getJson<T>(hub: ApiAccess, path: string): Promise<T> {
  const response = await fetch(hub.url + path, {
    headers: { authorization: `Bearer ${hub.adminKey}` },
  });
  const body = await response.text();
  if (!response.ok) {
    throw new Error(`GET ${path}: ${response.status} ${body}`);
  }
  return JSON.parse(body) as T;
}

/** Every item of a list, following its cursors. */
export async function listAll<T>(hub: ApiAccess, path: string): Promise<T[]> {
  const items: T[] = [];
  let cursor: string | undefined;
  do {
    const join = path.includes("?") ? "&" : "?";
    const more = cursor ? `${join}cursor=${encodeURIComponent(cursor)}` : "";
    const page: Page<T> = await getJson(hub, path + more);
    items.push(...page.items);
    cursor = page.nextCursor;
  } while (cursor);
  return items;
}
