/**
 * Whether a sender may talk to the bots of a connection. Rules name a phone number, user id or LID, or a
 * beginning of one (`5511*`); every name the sender is known by is tried, the longest match wins, and
 * at equal length blocking wins. Without a match everybody may, unless the connection has allow rules of
 * its own: then it is an allow list, and stays one even when those rules have expired.
 */
import type { AccessRule } from "../../schema/tenant.ts";

export type AccessVerdict =
  | { readonly effect: "allow"; readonly because: "rule" | "default"; readonly rule?: string }
  | { readonly effect: "block"; readonly because: "rule" | "not_listed"; readonly rule?: string };

export interface AccessQuestion {
  readonly rules: readonly AccessRule[];
  readonly connection: string;
  /** Everything the sender is called: platform id, phone, LID, user name. */
  readonly aliases: readonly string[];
  readonly nowMs: number;
}

/** Judges one sender. Total: nonsense rules match nobody. */
export function judgeAccess({ rules, connection, aliases, nowMs }: AccessQuestion): AccessVerdict {
  const here = rules.filter((rule) => (rule.connection ?? connection) === connection);
  const names = new Set(aliases.map(normalizeAlias));
  let best: { readonly rule: AccessRule; readonly rank: number } | undefined;
  for (const rule of here) {
    if (rule.expiresAtMs !== undefined && rule.expiresAtMs <= nowMs) continue;
    const rank = matchRank(rule.pattern, names);
    if (rank === undefined || (best && !outranks(rule, rank, best))) continue;
    best = { rule, rank };
  }
  if (best) return { effect: best.rule.effect, because: "rule", rule: best.rule.id };
  const listed = here.some((rule) => rule.connection !== undefined && rule.effect === "allow");
  return listed
    ? { effect: "block", because: "not_listed" }
    : { effect: "allow", because: "default" };
}

/**
 * One spelling per name: phone numbers and phone JIDs (`5511…:12@s.whatsapp.net`, `+55 (11) …`) become digits, LIDs
 * `digits@lid`, everything else its lower case.
 */
export function normalizeAlias(alias: string): string {
  const text = alias.trim().toLowerCase();
  const jid = /^(\d{1,32})(?::\d{1,6})?@([a-z.]{1,32})$/.exec(text);
  if (jid?.[2] === "lid" || jid?.[2] === "hosted.lid") return `${jid[1]}@lid`;
  if (jid?.[1] && PHONE_DOMAINS.has(jid[2] ?? "")) return jid[1];
  return /^\+?[\d\s().-]+$/.test(text) && /\d/.test(text) ? text.replaceAll(/\D/g, "") : text;
}

const PHONE_DOMAINS = new Set(["s.whatsapp.net", "c.us", "hosted"]);

/** Twice the length matched, one more for a whole name; undefined where no name matches. */
function matchRank(pattern: string, names: ReadonlySet<string>): number | undefined {
  const text = pattern.trim();
  if (!text) return undefined;
  if (!text.endsWith("*")) {
    const whole = normalizeAlias(text);
    return names.has(whole) ? whole.length * 2 + 1 : undefined;
  }
  const bare = text.slice(0, -1);
  const beginning = bare === "" ? "" : normalizeAlias(bare);
  return [...names].some((name) => name.startsWith(beginning)) ? beginning.length * 2 : undefined;
}

function outranks(rule: AccessRule, rank: number, best: { rule: AccessRule; rank: number }) {
  return rank > best.rank || (rank === best.rank && rule.effect === "block");
}
