/** The trace id of a request: the caller's `traceparent` (W3C Trace Context), or a new one, the same for the whole request. */

const made = new WeakMap<Headers, string>();

/** 32 lower-case hex characters. */
export function traceIdOf(headers: Headers): string {
  const given = /^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}/.exec(
    headers.get("traceparent") ?? "",
  )?.[1];
  if (given && !/^0+$/.test(given)) return given;
  const known = made.get(headers) ?? crypto.randomUUID().replaceAll("-", "");
  made.set(headers, known);
  return known;
}
