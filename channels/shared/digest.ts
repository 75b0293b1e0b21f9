/**
 * A short digest where one is needed synchronously and nobody gains by a collision: tells apart edits
 * without a time stamp, and turns our ids into another platform's form. Not for secrets.
 */

const PRIME = 0x100000001b3n;
const OFFSET = 0xcbf29ce484222325n;
const MASK = 0xffffffffffffffffn;

/** FNV-1a over UTF-16 code units: 16 lower-case hex digits. `seed` gives independent digests of one text. */
export function digest64(text: string, seed = 0): string {
  let hash = OFFSET ^ BigInt(seed);
  for (let i = 0; i < text.length; i++) {
    hash = ((hash ^ BigInt(text.charCodeAt(i))) * PRIME) & MASK;
  }
  return hash.toString(16).padStart(16, "0");
}
