/**
 * Reads a request body, as JSON or as it is: bounded in bytes and depth, UTF-8 only, malformed JSON told apart from a body of
 * the wrong shape. Every text in it is well formed afterwards: half a surrogate pair can stand in no URL and
 * comes back from no database as it went in.
 */
import { HubError } from "../../domain/errors.ts";

const BODY_BYTES_MAX = 1024 * 1024;
/** Levels of lists and objects. What is passed between objects of the hub dies at a few thousand. */
const DEPTH_MAX = 64;

/** The parsed body; undefined where there is none. Throws payload_too_large, unsupported_media_type, invalid_json or bad_request. */
export async function readJson(request: Request): Promise<unknown> {
  const bytes = await readBytes(request, BODY_BYTES_MAX);
  if (bytes.length === 0) return undefined;
  const type = (request.headers.get("content-type") ?? "").split(";")[0]?.trim().toLowerCase();
  if (type !== "application/json") {
    throw new HubError("unsupported_media_type", "send application/json");
  }
  return sound(parseJson(bytes));
}

/** The body as it came. Throws payload_too_large. */
export function readRaw(request: Request): Promise<Uint8Array> {
  return readBytes(request, BODY_BYTES_MAX);
}

/** JSON in UTF-8 without a byte order mark. Throws invalid_json. */
export function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch {
    throw new HubError("invalid_json");
  }
}

/**
 * The same value with well-formed texts. Names stay data: `__proto__` is a member like any other here. Throws
 * bad_request for one that is nested too deep.
 */
export function sound(value: unknown, depth = 0): unknown {
  if (typeof value === "string") return value.toWellFormed();
  if (typeof value !== "object" || value === null) return value;
  if (depth === DEPTH_MAX) throw new HubError("bad_request", `nested deeper than ${DEPTH_MAX}`);
  if (Array.isArray(value)) return value.map((item) => sound(item, depth + 1));
  const members = Object.entries(value).map(([name, member]) => [
    name.toWellFormed(),
    sound(member, depth + 1),
  ]);
  return Object.fromEntries(members);
}

async function readBytes(request: Request, bytesMax: number): Promise<Uint8Array> {
  if (Number(request.headers.get("content-length") ?? 0) > bytesMax) throw tooLarge(bytesMax);
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of request.body ?? []) {
    length += chunk.length;
    if (length > bytesMax) throw tooLarge(bytesMax);
    chunks.push(chunk);
  }
  const bytes = new Uint8Array(length);
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.length;
  }
  return bytes;
}

function tooLarge(bytesMax: number): HubError {
  return new HubError("payload_too_large", `a body may have ${bytesMax} bytes`);
}
