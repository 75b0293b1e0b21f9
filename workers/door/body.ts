/** Reads a webhook's body once, as raw bytes, never more than the channel allows. */
import { fail, ok, type Result } from "../../domain/result.ts";

export type BodyFailure = { readonly reason: "too_large" | "unreadable" };

/** Refuses by `Content-Length` before reading; a body that lies about its length is cut off while reading. */
export async function readBody(
  request: Request,
  bytesMax: number,
): Promise<Result<Uint8Array<ArrayBuffer>, BodyFailure>> {
  const declared = Number(request.headers.get("content-length") ?? "0");
  if (declared > bytesMax) return fail({ reason: "too_large" });
  if (!request.body) return ok(new Uint8Array(0));
  try {
    if (declared > 0) {
      const whole = new Uint8Array(await request.arrayBuffer());
      return whole.byteLength > bytesMax ? fail({ reason: "too_large" }) : ok(whole);
    }
    return await readChunks(request.body, bytesMax);
  } catch {
    return fail({ reason: "unreadable" });
  }
}

async function readChunks(
  stream: ReadableStream<Uint8Array>,
  bytesMax: number,
): Promise<Result<Uint8Array<ArrayBuffer>, BodyFailure>> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  const reader = stream.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    length += value.byteLength;
    if (length > bytesMax) {
      await reader.cancel();
      return fail({ reason: "too_large" });
    }
    chunks.push(value);
  }
  const whole = new Uint8Array(length);
  let offset = 0;
  for (const chunk of chunks) {
    whole.set(chunk, offset);
    offset += chunk.byteLength;
  }
  return ok(whole);
}
