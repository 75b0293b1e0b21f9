/** Fingerprints of texts: to tell equal from different, and to name things shortly. Never a protection against anybody. */

const FNV_PRIME = 0x01000193;
const SEEDS = [0x811c9dc5, 0x9e3779b9] as const;

/** Sixteen hexadecimal digits (FNV-1a, 32 bits, from two seeds). */
export function textDigest(text: string): string {
  return SEEDS.map((seed) => hash(text, seed).toString(16).padStart(8, "0")).join("");
}

function hash(text: string, seed: number): number {
  let value = seed;
  for (let at = 0; at < text.length; at++)
    value = Math.imul(value ^ text.charCodeAt(at), FNV_PRIME) >>> 0;
  return value;
}
