/**
 * Writes pieces of a file to R2, at most one part of it in memory: a small file in one put, a larger one as
 * a multipart upload. The limit is counted while it comes; nothing is left behind when it is broken.
 */
import { type JudgedType, judgeType } from "../domain/media/sniff.ts";
import type { MediaKind } from "../schema/message.ts";
import { MediaBroken, type Pieces } from "./media-source.ts";

/** Size of a part: above R2's minimum of 5 MiB, all parts but the last alike (R2 docs: multipart limits). */
const PART_BYTES = 8 * 1024 * 1024;

export interface StoreRequest {
  readonly key: string;
  readonly kind: MediaKind;
  readonly claimed: string | undefined;
  readonly bytesMax: number;
}

export interface StoredFile {
  readonly bytes: number;
  readonly mimeType: string;
}

/** Throws `MediaBroken` with the reason, or whatever the source or the store throws. */
export async function storePieces(
  store: R2Bucket,
  request: StoreRequest,
  pieces: Pieces,
  signal: AbortSignal,
): Promise<StoredFile> {
  let upload: Upload | undefined;
  let bytes = 0;
  try {
    for await (const part of partsOf(pieces, request.bytesMax, signal)) {
      bytes += part.bytes.byteLength;
      upload ??= await begin(store, request, part);
      await upload.add(part.bytes);
    }
    if (!upload) throw new MediaBroken("empty");
    await upload.finish();
    return { bytes, mimeType: upload.mimeType };
  } catch (error) {
    await upload?.abort();
    throw error;
  }
}

interface Part {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly last: boolean;
}

/** Pieces gathered into parts of equal size. */
async function* partsOf(
  pieces: Pieces,
  bytesMax: number,
  signal: AbortSignal,
): AsyncIterable<Part> {
  let buffer = new Uint8Array(0);
  let filled = 0;
  let total = 0;
  for await (const piece of pieces) {
    if (signal.aborted) throw new MediaBroken("timeout");
    total += piece.byteLength;
    if (total > bytesMax) throw new MediaBroken("too_large");
    let from = 0;
    while (from < piece.byteLength) {
      if (filled === PART_BYTES) {
        yield { bytes: buffer, last: false };
        buffer = new Uint8Array(PART_BYTES);
        filled = 0;
      }
      buffer = grown(buffer, filled, piece.byteLength - from);
      const slice = piece.subarray(from, from + buffer.byteLength - filled);
      buffer.set(slice, filled);
      filled += slice.byteLength;
      from += slice.byteLength;
    }
  }
  if (filled > 0) yield { bytes: buffer.subarray(0, filled), last: true };
}

/** Doubles as needed up to a part, so that a small file takes little memory. */
function grown(
  buffer: Uint8Array<ArrayBuffer>,
  filled: number,
  more: number,
): Uint8Array<ArrayBuffer> {
  if (filled + more <= buffer.byteLength || buffer.byteLength === PART_BYTES) return buffer;
  const size = Math.min(PART_BYTES, Math.max(filled + more, buffer.byteLength * 2));
  const larger = new Uint8Array(size);
  larger.set(buffer.subarray(0, filled));
  return larger;
}

interface Upload {
  readonly mimeType: string;
  add(bytes: Uint8Array<ArrayBuffer>): Promise<void>;
  finish(): Promise<void>;
  abort(): Promise<void>;
}

/** The type is judged before anything is written. */
async function begin(store: R2Bucket, request: StoreRequest, first: Part): Promise<Upload> {
  const judged = judgeType(request.kind, request.claimed, first.bytes);
  if (!judged.ok) throw new MediaBroken(judged.failure.reason);
  return first.last
    ? onePut(store, request.key, judged.value)
    : await manyParts(store, request.key, judged.value);
}

function onePut(store: R2Bucket, key: string, type: JudgedType): Upload {
  return {
    mimeType: type.mimeType,
    async add(bytes) {
      await kept(store.put(key, bytes, { httpMetadata: { contentType: type.servedType } }));
    },
    finish: async () => undefined,
    abort: async () => undefined,
  };
}

async function manyParts(store: R2Bucket, key: string, type: JudgedType): Promise<Upload> {
  const httpMetadata = { contentType: type.servedType };
  const upload = await kept(store.createMultipartUpload(key, { httpMetadata }));
  const parts: R2UploadedPart[] = [];
  return {
    mimeType: type.mimeType,
    async add(bytes) {
      parts.push(await kept(upload.uploadPart(parts.length + 1, bytes)));
    },
    async finish() {
      await kept(upload.complete(parts));
    },
    async abort() {
      await upload.abort().catch(() => undefined);
    },
  };
}

/** Our own store's failures under their own name: the file was fine. */
async function kept<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch {
    throw new MediaBroken("store_failed");
  }
}
