/**
 * Turns a described request body into what `fetch` takes. Files are streamed, never held: a multipart
 * body is its text pieces with the open files between them, and its length is announced when every
 * file's length is known (some upload hosts refuse chunked bodies).
 */
import type { MultipartPart, OutboundMedia, RequestBody } from "../schema/outbound.ts";
import { untilAborted } from "./http-deadline.ts";

type Bytes = Uint8Array<ArrayBuffer>;

export interface EncodedBody {
  readonly content?: string | ReadableStream<Uint8Array>;
  readonly contentType?: string;
  /** True where the described header must give way (a multipart boundary). */
  readonly owned: boolean;
  /** Lets go of files that were opened and will not be sent. */
  readonly cancel: () => Promise<void>;
}

type OpenMedia = ((media: OutboundMedia) => Promise<Response | undefined>) | undefined;

/** A piece of a body: bytes at hand, or an open file with its length where that is known. */
type Piece = Bytes | { readonly stream: ReadableStream<Uint8Array>; readonly length?: number };

/** Undefined where a file cannot be had, in any way: then nothing has been sent. */
export async function encodeBody(
  body: RequestBody,
  open: OpenMedia,
  signal: AbortSignal,
): Promise<EncodedBody | undefined> {
  switch (body.as) {
    case "none":
      return plain();
    case "json":
      return plain(JSON.stringify(body.json), "application/json; charset=utf-8");
    case "form":
      return plain(
        new URLSearchParams(body.fields).toString(),
        "application/x-www-form-urlencoded; charset=utf-8",
      );
    case "media":
      return encodeMedia(body.media, body.contentType, open, signal);
    case "multipart":
      return encodeMultipart(body.parts, open, signal);
  }
}

function plain(content?: string, contentType?: string): EncodedBody {
  const described = content === undefined ? {} : { content };
  const typed = contentType === undefined ? {} : { contentType };
  return { ...described, ...typed, owned: false, cancel: async () => undefined };
}

async function encodeMedia(
  media: OutboundMedia,
  contentType: string,
  open: OpenMedia,
  signal: AbortSignal,
): Promise<EncodedBody | undefined> {
  const file = await openFile(media, open, signal);
  return file && streamed([file.piece], contentType);
}

async function encodeMultipart(
  parts: readonly MultipartPart[],
  open: OpenMedia,
  signal: AbortSignal,
): Promise<EncodedBody | undefined> {
  const boundary = `omni-edge-${crypto.randomUUID()}`;
  const pieces: Piece[] = [];
  for (const part of parts) {
    const file = part.media && (await openFile(part.media, open, signal));
    if (part.media && !file) {
      await cancelAll(pieces);
      return undefined;
    }
    pieces.push(encode(`--${boundary}\r\n${partHeader(part, file?.type)}\r\n\r\n`));
    pieces.push(file ? file.piece : encode(part.value ?? ""), encode("\r\n"));
  }
  pieces.push(encode(`--${boundary}--\r\n`));
  return streamed(pieces, `multipart/form-data; boundary=${boundary}`);
}

async function openFile(
  media: OutboundMedia,
  open: OpenMedia,
  signal: AbortSignal,
): Promise<{ readonly piece: Piece; readonly type?: string } | undefined> {
  try {
    const response = open && (await untilAborted(open(media), signal));
    if (!response?.ok || !response.body) return undefined;
    const length = lengthOf(response.headers);
    const type = media.mime_type ?? response.headers.get("content-type") ?? undefined;
    const piece = length === undefined ? {} : { length };
    return { piece: { stream: response.body, ...piece }, ...(type === undefined ? {} : { type }) };
  } catch {
    return undefined;
  }
}

function partHeader(part: MultipartPart, fileType: string | undefined): string {
  const name = `form-data; name="${quote(part.name)}"`;
  const fileName = part.fileName ?? part.media?.file_name ?? (part.media ? "file" : undefined);
  const lines = [
    `Content-Disposition: ${name}${fileName === undefined ? "" : `; filename="${quote(fileName)}"`}`,
  ];
  const type = part.contentType ?? (part.media ? (fileType ?? "application/octet-stream") : "");
  if (type) lines.push(`Content-Type: ${type.replaceAll(/[\r\n]/g, "")}`);
  return lines.join("\r\n");
}

/** As browsers do (WHATWG HTML, multipart/form-data encoding). */
function quote(text: string): string {
  return text.replaceAll("\r", "%0D").replaceAll("\n", "%0A").replaceAll('"', "%22");
}

function streamed(pieces: readonly Piece[], contentType: string): EncodedBody {
  const content = joined(pieces);
  const cancel = () => content.cancel().catch(() => undefined);
  return { content, contentType, owned: true, cancel };
}

function joined(pieces: readonly Piece[]): ReadableStream<Uint8Array> {
  const length = totalLength(pieces);
  const pipe =
    length !== undefined && typeof FixedLengthStream === "function"
      ? new FixedLengthStream(length)
      : new TransformStream<Uint8Array, Uint8Array>();
  void pour(pieces, pipe.writable);
  return pipe.readable;
}

async function pour(pieces: readonly Piece[], target: WritableStream<Uint8Array>): Promise<void> {
  try {
    for (const piece of pieces) {
      if (piece instanceof Uint8Array) await writeTo(target, piece);
      else await piece.stream.pipeTo(target, { preventClose: true });
    }
    await target.close();
  } catch (error) {
    // The request fails with the broken stream; the caller reports that it may have been received.
    await target.abort(error).catch(() => undefined);
    await cancelAll(pieces);
  }
}

async function writeTo(target: WritableStream<Uint8Array>, bytes: Bytes): Promise<void> {
  const writer = target.getWriter();
  try {
    await writer.write(bytes);
  } finally {
    writer.releaseLock();
  }
}

function totalLength(pieces: readonly Piece[]): number | undefined {
  let total = 0;
  for (const piece of pieces) {
    const length = piece instanceof Uint8Array ? piece.byteLength : piece.length;
    if (length === undefined) return undefined;
    total += length;
  }
  return total;
}

async function cancelAll(pieces: readonly Piece[]): Promise<void> {
  for (const piece of pieces) {
    if (!(piece instanceof Uint8Array) && !piece.stream.locked) {
      await piece.stream.cancel().catch(() => undefined);
    }
  }
}

/** The announced length; none for a body that is decompressed on its way. */
function lengthOf(headers: Headers): number | undefined {
  const length = headers.get("content-length");
  if (headers.has("content-encoding") || !length || !/^\d{1,15}$/.test(length)) return undefined;
  return Number(length);
}

function encode(text: string): Bytes {
  return new Uint8Array(new TextEncoder().encode(text));
}
