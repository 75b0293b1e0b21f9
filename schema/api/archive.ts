/** Wire shapes of the archive on the REST API. */
import * as z from "zod";
import { Instant } from "./instant.ts";

export const SegmentView = z
  .object({
    kind: z.enum(["messages", "events"]),
    hour: z.iso.datetime(),
    part: z.int(),
    key: z.string().describe("Of the object in the bucket."),
    rows: z.int(),
    bytes: z.int().describe("Of the NDJSON, uncompressed."),
    sha256: z.string().describe("Of the NDJSON, uncompressed; hexadecimal."),
    first: z.string().describe("First and last row: ids of messages, numbers of events."),
    last: z.string(),
    cold: z.boolean().describe("gzip, under the cold prefix."),
  })
  .meta({ id: "ArchiveSegment" });

/** Which objects: those whose hour overlaps the span. */
export const ArchiveSpan = z.strictObject({
  kind: z.enum(["messages", "events"]),
  since: Instant,
  until: Instant.optional(),
});

export const ArchiveVerified = z.object({
  checked: z.int(),
  rows: z.int(),
  damaged: z.array(z.string()).describe("Keys whose content does not fit their checksum."),
  gone: z.array(z.string()).describe("Keys that the index names and the bucket has not."),
});

export const ArchiveRebuilt = z.object({ segments: z.int() });
