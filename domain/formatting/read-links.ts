/**
 * Finds the addresses of a text: the `(…)` of a link, `<…>` and bare http(s) URLs. Knows nothing of
 * labels. Each look stops at the first sign that ends an address, so that a scan stays linear.
 */

/** Deeper parentheses end the address (CommonMark's own limit); also what keeps `[a](b[a](b…` linear. */
const PARENS_MAX = 32;
const URL_CHARS_MAX = 4096;

const PAREN_STEP: Readonly<Record<string, number>> = { "(": 1, ")": -1 };

const BARE = /https?:\/\/[^\s<>"`[\]|\\，。、；：！？）」』】》]+/iy;
const ANGLE = /<(?:(https?:\/\/[^\s<>]+)|(?:mailto:)?([\w.+-]+@[\w.-]+)|br ?\/?)>/iy;
const TITLE = /[ \t]+(?:"[^"\n()]*"|'[^'\n()]*')/y;

/** `(address "title")` starting at `at`, an index of "(". The title is dropped. */
export function destinationAt(
  text: string,
  at: number,
): { readonly href: string; readonly end: number } | undefined {
  if (text.charAt(at) !== "(") return undefined;
  const angled = text.charAt(at + 1) === "<";
  const start = angled ? at + 2 : at + 1;
  const stop = angled ? angleEnd(text, start) : parenEnd(text, start);
  if (stop === undefined) return undefined;
  const href = text.slice(start, stop);
  TITLE.lastIndex = angled ? stop + 1 : stop;
  const close = TITLE.test(text) ? TITLE.lastIndex : angled ? stop + 1 : stop;
  if (href === "" || text.charAt(close) !== ")") return undefined;
  return { href, end: close + 1 };
}

function angleEnd(text: string, start: number): number | undefined {
  for (let at = start; at < start + URL_CHARS_MAX && at < text.length; at++) {
    const sign = text.charAt(at);
    if (sign === ">") return at;
    if (sign === "<" || sign === "\n") return undefined;
  }
  return undefined;
}

/** The index of the white space or parenthesis behind the address. */
function parenEnd(text: string, start: number): number | undefined {
  let depth = 0;
  for (let at = start; at < start + URL_CHARS_MAX && at < text.length; at++) {
    const sign = text.charAt(at);
    if (depth === 0 && ") \t".includes(sign)) return at;
    depth += PAREN_STEP[sign] ?? 0;
    if (depth > PARENS_MAX || "< \t\n".includes(sign)) return undefined;
  }
  return undefined;
}

/** `<https://…>`, `<a@b.c>` and `<br>` (an empty `href`) at `at`, an index of "<". */
export function autolinkAt(
  text: string,
  at: number,
): { readonly label: string; readonly href: string; readonly end: number } | undefined {
  ANGLE.lastIndex = at;
  const found = ANGLE.exec(text);
  if (!found) return undefined;
  const [all, url, address] = found;
  const href = url ?? (address ? `mailto:${address}` : "");
  return { label: url ?? address ?? "", href, end: at + all.length };
}

/** The URL at `at` without what belongs to the sentence around it: `.`, `**`, an unpaired `)`. */
export function bareUrlAt(text: string, at: number): string | undefined {
  BARE.lastIndex = at;
  const found = BARE.exec(text)?.[0];
  if (!found) return undefined;
  const url = found.slice(0, trimmedLength(found));
  return url.endsWith("/") && url.length <= "https://".length ? undefined : url;
}

function trimmedLength(url: string): number {
  let surplus = 0;
  for (const sign of url) surplus += sign === ")" ? 1 : sign === "(" ? -1 : 0;
  let end = url.length;
  for (; end > 0; end--) {
    const sign = url.charAt(end - 1);
    if (sign === ")" && surplus > 0) surplus -= 1;
    else if (!".,:;!?'*_~".includes(sign)) break;
  }
  return end;
}
