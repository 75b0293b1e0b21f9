/** Which known name somebody probably meant: by the fewest letters to change, swap, add or leave out. */

/** Names longer than this are not compared. */
const NAME_CHARS_MAX = 255;
/** Known names that are looked at. */
const NAMES_MAX = 1000;

/** Undefined where nothing is near: at most a third of the letters may differ. Ties go to the first name. */
export function nearestName(name: string, known: Iterable<string>): string | undefined {
  if (name.length > NAME_CHARS_MAX) return undefined;
  let best: { readonly name: string; readonly distance: number } | undefined;
  let seen = 0;
  for (const candidate of known) {
    seen += 1;
    if (seen > NAMES_MAX) break;
    const allowed = Math.floor(Math.max(name.length, candidate.length) / 3);
    const limit = Math.min(allowed, (best?.distance ?? Infinity) - 1);
    if (Math.abs(candidate.length - name.length) > limit) continue;
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase());
    if (distance <= limit) best = { name: candidate, distance };
  }
  return best?.name;
}

/** Optimal string alignment: neighbours may swap places once. */
function editDistance(a: string, b: string): number {
  let older: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      current[j] = Math.min(
        (previous[j] ?? 0) + 1,
        (current[j - 1] ?? 0) + 1,
        (previous[j - 1] ?? 0) + same,
        swapped ? (older[j - 2] ?? 0) + 1 : Infinity,
      );
    }
    older = previous;
    previous = current;
  }
  return previous[b.length] ?? 0;
}
