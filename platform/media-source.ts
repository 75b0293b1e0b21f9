/**
 * The bytes of a media item as a sequence of pieces, wherever they come from: base64 at hand, a file at a
 * URL, or a platform's JSON answer with the file as base64 inside it. Nothing is held longer than a piece.
 */

export type Pieces = AsyncIterable<Uint8Array<ArrayBuffer>>;

/** Thrown while pieces are read; `reason` ends up in the message. */
export class MediaBroken extends Error {
  readonly reason: string;

  constructor(reason: string) {
    super(reason);
    this.reason = reason;
  }
}

/** Characters decoded at a time: a multiple of four, below any call-stack or memory concern. */
const SLICE_CHARS = 65_536;
/** How far into an answer its `base64` member may begin, in characters. */
const PREAMBLE_CHARS_MAX = 262_144;
/** No opening of the member is longer than this. */
const START_CHARS_MAX = 32;

/** Base64 at hand, with or without a `data:` prefix. */
export async function* piecesOfText(base64: string): Pieces {
  const decoder = createBase64Decoder();
  for (let at = 0; at < base64.length; at += SLICE_CHARS) {
    yield decoder.take(base64.slice(at, at + SLICE_CHARS));
  }
  yield decoder.end();
}

/** A body as it comes. Throws `truncated` where it ends before or after its announced length. */
export async function* piecesOfBody(
  body: ReadableStream<Uint8Array>,
  announcedBytes?: number,
): Pieces {
  const reader = body.getReader();
  let bytes = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      bytes += value.byteLength;
      yield new Uint8Array(value);
    }
    if (announcedBytes !== undefined && bytes !== announcedBytes) {
      throw new MediaBroken("truncated");
    }
  } finally {
    reader.cancel().catch(() => undefined);
  }
}

/** The member `base64` of a JSON body. The rest of the JSON is looked past, not parsed. */
export async function* piecesOfJson(body: ReadableStream<Uint8Array>): Pieces {
  const text = new TextDecoder();
  const decoder = createBase64Decoder();
  const findStart = createStartFinder();
  let begun = false;
  for await (const bytes of piecesOfBody(body)) {
    const piece = text.decode(bytes, { stream: true });
    const chunk = begun ? piece : findStart(piece);
    if (chunk === undefined) continue;
    begun = true;
    const end = chunk.indexOf('"');
    yield decoder.take(end < 0 ? chunk : chunk.slice(0, end));
    if (end < 0) continue;
    yield decoder.end();
    return;
  }
  throw new MediaBroken(begun ? "truncated" : "no_file");
}

/** Looks for the member over the borders of pieces; gives what follows its opening quote. */
function createStartFinder(): (piece: string) => string | undefined {
  let tail = "";
  let passed = 0;
  return (piece) => {
    const text = tail + piece;
    const start = /"base64"\s{0,8}:\s{0,8}"/.exec(text);
    if (start) return text.slice(start.index + start[0].length);
    passed += piece.length;
    if (passed > PREAMBLE_CHARS_MAX) throw new MediaBroken("no_file");
    tail = text.slice(-START_CHARS_MAX);
    return undefined;
  };
}

interface Base64Decoder {
  take(text: string): Uint8Array<ArrayBuffer>;
  end(): Uint8Array<ArrayBuffer>;
}

/** Keeps what does not fill a group of four. Throws `bad_base64`. */
function createBase64Decoder(): Base64Decoder {
  let rest = "";
  let begun = false;
  const decode = (text: string) => {
    try {
      return Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
    } catch {
      throw new MediaBroken("bad_base64");
    }
  };
  return {
    take(text) {
      const start = begun ? text : text.replace(/^data:[^,]{0,200},/, "");
      begun = true;
      // JSON may escape the slash, and some encoders break lines.
      const clean = rest + start.replaceAll(/\\[nr/]|\s/g, (part) => (part === "\\/" ? "/" : ""));
      const whole = clean.endsWith("\\") ? clean.length - 1 : clean.length;
      const end = whole - (whole % 4);
      rest = clean.slice(end);
      return decode(clean.slice(0, end));
    },
    end: () => decode(rest),
  };
}
