/** Somebody with a marker in every personal field, and the search for those markers where none may be. */
import type { Person } from "../../../simulators/services/world.ts";

const MARK = "zqphi";

/** The reference stands for the person; everything else is about the person. */
export const MARKED: Person = {
  person: "per_3f9a",
  name: `Ana ${MARK}name Marques`,
  born: `1971-${MARK}born`,
  telephone: `+5511${MARK}telephone`,
  mail: `${MARK}mail@example.com`,
  address: `12 ${MARK}address Street`,
  policy: `POL-${MARK}policy`,
  diagnosis: `M54.5 ${MARK}diagnosis`,
  card: `4111-${MARK}card`,
};

/** Markers that occur in a text, each once, in any case. */
export function markersIn(text: string): readonly string[] {
  const found = text.toLowerCase().match(new RegExp(`${MARK}[a-z]+`, "g"));
  return [...new Set(found ?? [])].toSorted();
}
