/**
 * Reads what a Hive answers to a run: server-sent events, or JSON objects one after the other without any
 * frame, or one plain JSON result. Gives the events in order; what they mean is `hive-answer.ts`.
 */
import { createParser } from "eventsource-parser";

/** One event: its name where there is one, and its data where that is a JSON object. */
export interface HiveEvent {
  readonly name: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** Longest single event, in characters. */
const EVENT_CHARS_MAX = 1_048_576;

export interface HiveReader {
  /** Takes the next piece of the body. Throws where an event grows beyond its limit. */
  feed(chunk: string): readonly HiveEvent[];
  /** What the end of the body completes. */
  end(): readonly HiveEvent[];
}

/** A reader that finds out from the first character which of the forms it is given. */
export function createHiveReader(): HiveReader {
  let reader: HiveReader | undefined;
  return {
    feed(chunk) {
      if (!reader) {
        const start = chunk.trimStart();
        if (start === "") return [];
        reader = start.startsWith("{") ? createUnframedReader() : createFramedReader();
      }
      return reader.feed(chunk);
    },
    end: () => reader?.end() ?? [],
  };
}

function createFramedReader(): HiveReader {
  let events: HiveEvent[] = [];
  const parser = createParser({
    maxBufferSize: EVENT_CHARS_MAX,
    onEvent: ({ event, data }) => {
      const read = eventOf(data, event);
      if (read) events.push(read);
    },
    onError: (error) => {
      if (error.type === "max-buffer-size-exceeded") throw new Error("event too long");
    },
  });
  const drain = () => {
    const drained = events;
    events = [];
    return drained;
  };
  return {
    feed(chunk) {
      parser.feed(chunk);
      return drain();
    },
    end() {
      // A body cut off before its last blank line still said what it said.
      parser.feed("\n\n");
      return drain();
    },
  };
}

/** Splits at the brace that closes each object; one look at each character. */
function createUnframedReader(): HiveReader {
  const closes = createBraceCounter();
  let pieces: string[] = [];
  let length = 0;
  return {
    feed(chunk) {
      const events: HiveEvent[] = [];
      let from = 0;
      for (let at = 0; at < chunk.length; at++) {
        if (!closes(chunk[at] ?? "")) continue;
        const text = pieces.join("") + chunk.slice(from, at + 1);
        // Whatever stood between two objects belongs to neither.
        events.push(
          ...[eventOf(text.slice(text.indexOf("{")))].filter((event) => event !== undefined),
        );
        pieces = [];
        length = 0;
        from = at + 1;
      }
      pieces.push(chunk.slice(from));
      length += chunk.length - from;
      if (length > EVENT_CHARS_MAX) throw new Error("event too long");
      return events;
    },
    end: () => [],
  };
}

/** True for the character that closes an outermost object. Braces in strings do not count. */
function createBraceCounter(): (char: string) => boolean {
  let depth = 0;
  let inString = false;
  let escaped = false;
  return (char) => {
    if (inString) {
      if (!escaped && char === '"') inString = false;
      escaped = !escaped && char === "\\";
      return false;
    }
    if (char === "{") depth += 1;
    if (depth === 0) return false;
    if (char === '"') inString = true;
    if (char === "}") depth -= 1;
    return depth === 0;
  };
}

function eventOf(text: string, name?: string): HiveEvent | undefined {
  try {
    const data: unknown = JSON.parse(text);
    if (typeof data !== "object" || data === null || Array.isArray(data)) return undefined;
    const own = "event" in data && typeof data.event === "string" ? data.event : undefined;
    return { name: own ?? name ?? "", data: data as Record<string, unknown> };
  } catch {
    return undefined;
  }
}
