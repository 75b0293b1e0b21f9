/** Wire shapes of the archive on the REST API. */
import * as z from "zod";
import { Instant } from "./instant.ts";

export const SegmentView = z
  .object({
    kind: z.enum(["messages", "events"]),
    hour: z.iso.datetime(),
    part: z.int(),
    /** Of the object in the bucket. */
    key: z.string(),
    rows: z.int(),
    /** Of the NDJSON, uncompressed. */
    bytes: z.int(),
    /** Of the NDJSON, uncompressed; hexadecimal. */
    sha256: z.string(),
    /** First and last row: ids of messages, numbers of events. */
    first: z.string(),
    last: z.string(),
    /** gzip, under the cold prefix. */
    cold: z.boolean(),
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
  /** Keys whose content does not fit their checksum. */
  damaged: z.array(z.string()),
  /** Keys that the index names and the bucket has not. */
  gone: z.array(z.string()),
});

export const ArchiveRebuilt = z.object({ segments: z.int() });
