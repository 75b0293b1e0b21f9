/**
 * Reads a request of node:http into plain values and writes a plain reply back. Knows JSON, urlencoded
 * forms and multipart; everything else is text. Knows nothing of any platform.
 */
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";

/** More than any platform accepts in one API call; a larger body is cut off with 413. */
const BODY_BYTES_MAX = 160 * 1024 * 1024;

/** One part of a multipart body that carries a file name. */
export interface UploadedFile {
  readonly field: string;
  readonly name: string;
  readonly type: string;
  readonly bytes: Buffer;
}

/** A request, read whole. `body` is the parsed JSON or form, the query for requests without one, or text. */
export interface SimRequest {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly raw: Buffer;
  readonly body: unknown;
  readonly files: readonly UploadedFile[];
}

/** An answer: objects go out as JSON, strings as text, buffers as they are; `stream` writes by itself. */
export interface Reply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly stream?: (response: ServerResponse, signal: AbortSignal) => Promise<void>;
}

/** Shorthand for a JSON answer. */
export function json(body: unknown, status = 200, headers: Record<string, string> = {}): Reply {
  return { status, headers, body };
}

/** Reads everything of a request; undefined when its body is over the limit. */
export async function readRequest(incoming: IncomingMessage): Promise<SimRequest | undefined> {
  const url = new URL(incoming.url ?? "/", "http://simulator");
  const raw = await readBytes(incoming);
  if (raw === undefined) return undefined;
  const parsed = await parseBody(raw, incoming.headers["content-type"] ?? "", url.searchParams);
  return {
    method: incoming.method ?? "GET",
    path: url.pathname,
    query: url.searchParams,
    headers: incoming.headers,
    raw,
    ...parsed,
  };
}

/** Writes a reply; a client that is gone is no error. */
export async function writeReply(
  response: ServerResponse,
  reply: Reply,
  signal: AbortSignal,
): Promise<void> {
  if (response.destroyed) return;
  const [bytes, type] = encode(reply.body);
  response.writeHead(reply.status, {
    ...(bytes.length > 0 && { "content-type": type }),
    ...(reply.stream === undefined && reply.status !== 204 && { "content-length": bytes.length }),
    ...reply.headers,
  });
  if (reply.stream === undefined) response.end(bytes);
  else await reply.stream(response, signal);
}

/** A field of a parsed body or any unknown value, as a record; `{}` for everything that is none. */
export function asRecord(value: unknown): Record<string, unknown> {
  const isRecord = typeof value === "object" && value !== null && !Array.isArray(value);
  return isRecord ? (value as Record<string, unknown>) : {};
}

/** A string or a number as text, everything else as undefined. */
export function asText(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  return typeof value === "number" ? String(value) : undefined;
}

async function readBytes(incoming: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of incoming) {
    size += (chunk as Buffer).length;
    if (size > BODY_BYTES_MAX) return undefined;
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks);
}

async function parseBody(
  raw: Buffer,
  contentType: string,
  query: URLSearchParams,
): Promise<{ body: unknown; files: UploadedFile[] }> {
  if (raw.length === 0) return { body: query.size > 0 ? formObject(query) : null, files: [] };
  const type = contentType.toLowerCase();
  if (type.startsWith("multipart/form-data")) return parseMultipart(raw, contentType);
  const text = raw.toString("utf8");
  if (type.startsWith("application/x-www-form-urlencoded")) {
    return { body: formObject(new URLSearchParams(text)), files: [] };
  }
  return { body: jsonOrText(text), files: [] };
}

async function parseMultipart(
  raw: Buffer,
  contentType: string,
): Promise<{ body: unknown; files: UploadedFile[] }> {
  const body: Record<string, unknown> = {};
  const files: UploadedFile[] = [];
  try {
    const form = await new Response(new Uint8Array(raw), {
      headers: { "content-type": contentType },
    }).formData();
    for (const [field, value] of form.entries()) {
      if (typeof value === "string") body[field] = value;
      else files.push(await uploaded(field, value));
    }
  } catch {
    return { body: raw.toString("latin1"), files: [] };
  }
  return { body, files };
}

async function uploaded(field: string, file: File): Promise<UploadedFile> {
  const bytes = Buffer.from(await file.arrayBuffer());
  return { field, name: file.name, type: file.type, bytes };
}

function formObject(form: URLSearchParams): Record<string, string> {
  return Object.fromEntries(form.entries());
}

function jsonOrText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function encode(body: unknown): [Buffer, string] {
  if (body === undefined) return [Buffer.alloc(0), "text/plain"];
  if (body instanceof Uint8Array) return [Buffer.from(body), "application/octet-stream"];
  if (typeof body === "string") return [Buffer.from(body), "text/plain; charset=utf-8"];
  return [Buffer.from(JSON.stringify(body)), "application/json; charset=utf-8"];
}
