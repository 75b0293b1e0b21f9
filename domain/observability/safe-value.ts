/**
 * Whether a value may leave the hub beside the messages: in a log line, a metric's label, a span. Allowed
 * are ids, codes and numbers in their natural range; what could be text, a name, a phone or card number,
 * an address or a credential is not. The names of fields are allow-listed elsewhere; this judges values.
 */

/** Stands where a value was refused, so that the refusal is seen. */
export const REDACTED = "[redacted]";

/** `$` begins names that are the hub's own: the subscriptions `$log` and `$wf:<workflow>`. */
const ID_LIKE = /^\$?[\w.:-]{1,128}$/;
/** Credentials of the platforms and providers the hub talks to, by how they start. */
const CREDENTIAL =
  /(?:^|[^a-z0-9])(?:xox[a-z][-.]|xapp-|whsec_|bearer|basic[-.:_]|sk[-_]|pk_|rk_|gh[pousr]_|github_pat_|akia[0-9a-z]{12}|eyj[\w-]{8,}\.|ya29\.|v1\.[0-9a-f]{24}|hub_[a-z]+_[a-z0-9]{8}_)/i;
/** Seven digits, with or without separators: from there on a number can be somebody's. */
const NUMBER = /\d(?:[^0-9a-z]{0,2}\d){6}/i;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
const HEX_ID = /^(?=.*[a-f])(?:[0-9a-f]{16}|[0-9a-f]{32}|[0-9a-f]{64})$/;
/** Random ids hold runs of digits by chance: words this long with a letter in them are taken for ids. */
const RANDOM_WORD = /[0-9a-z]{20,}/gi;

/** Values found safe before: the same ids and codes come with every message. Refused ones are not kept. */
const known = new Set<string>();
const KNOWN_MAX = 2000;

/** True for an id or a code: short, of one word, and nobody's number, address or secret. */
export function isSafeText(value: string): boolean {
  if (known.has(value)) return true;
  if (!judge(value)) return false;
  if (known.size >= KNOWN_MAX) known.clear();
  known.add(value);
  return true;
}

function judge(value: string): boolean {
  if (!ID_LIKE.test(value) || CREDENTIAL.test(value)) return false;
  return UUID.test(value) || HEX_ID.test(value) || !holdsNumber(value);
}

function holdsNumber(value: string): boolean {
  const rest = value.replaceAll(RANDOM_WORD, (word) => (/[a-z]/i.test(word) ? "x" : word));
  return NUMBER.test(rest);
}
