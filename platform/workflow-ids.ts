/** Ids of runs: the same tenant, workflow and key always give the same one, so that two starts are one run. */

/** Lower case of Crockford's alphabet, as all ids of the hub. */
const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";
const RUN_ID_CHARS = 26;

/** `run_` and 26 characters of SHA-256 (130 bits): fits the id of a Workflows instance with room for a number. */
export async function runIdOf(tenant: string, workflow: string, key: string): Promise<string> {
  const text = new TextEncoder().encode(JSON.stringify([tenant, workflow, key]));
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", text));
  let id = "";
  let bits = 0;
  let value = 0;
  for (const byte of digest) {
    value = ((value << 8) | byte) & 0xfff;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      id += ALPHABET[(value >> bits) & 31];
    }
  }
  return `run_${id.slice(0, RUN_ID_CHARS)}`;
}

/** The id of a run's `generation`-th Workflows instance (at most 100 of letters, digits, `-` and `_`). */
export function instanceIdOf(run: string, generation: number): string {
  return `${run}-${generation}`;
}
