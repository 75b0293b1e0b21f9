/** A point in time as the API takes it. */
import * as z from "zod";

/** What four digits of a year can say: an offset must not carry a time out of them, or it could not be answered. */
const FIRST_MS = Date.parse("0000-01-01T00:00:00.000Z");
const LAST_MS = Date.parse("9999-12-31T23:59:59.999Z");

/** ISO 8601 with a zone, within the years 0000 to 9999 of UTC. */
export const Instant = z.iso.datetime({ offset: true }).refine((text) => {
  const ms = Date.parse(text);
  return ms >= FIRST_MS && ms <= LAST_MS;
}, "outside of the years 0000 to 9999 of UTC");
