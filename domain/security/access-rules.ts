/**
 * Decides whether a sender may reach a tenant's agents. Every name of the sender counts (phone, LID,
 * user name): a person blocked by one name is blocked by all. A block beats an allow; the presence of
 * any allow rule for the connection makes the list closed.
 */
import type { AccessRule } from "../../schema/tenant.ts";

export interface AccessQuestion {
  /** The connection the message came by. */
  readonly connection: string;
  /** The sender's id and every alias. */
  readonly names: readonly string[];
  readonly nowMs: number;
}

export type AccessDecision =
  | { readonly allowed: true; readonly rule?: string }
  | { readonly allowed: false; readonly reason: "blocked"; readonly rule: string }
  | { readonly allowed: false; readonly reason: "not_on_allow_list" };

/** Total: no rule means everyone may. */
export function checkAccess(
  rules: readonly AccessRule[],
  { connection, names, nowMs }: AccessQuestion,
): AccessDecision {
  const inForce = rules.filter((rule) => isInForce(rule, connection, nowMs));
  const matching = inForce.filter((rule) => names.some((name) => matches(rule.pattern, name)));
  const block = matching.find((rule) => rule.effect === "block");
  if (block) return { allowed: false, reason: "blocked", rule: block.id };
  const allow = matching.find((rule) => rule.effect === "allow");
  if (allow) return { allowed: true, rule: allow.id };
  const closed = inForce.some((rule) => rule.effect === "allow");
  return closed ? { allowed: false, reason: "not_on_allow_list" } : { allowed: true };
}

function isInForce(rule: AccessRule, connection: string, nowMs: number): boolean {
  const concerns = rule.connection === undefined || rule.connection === connection;
  return concerns && (rule.expiresAtMs === undefined || nowMs < rule.expiresAtMs);
}

/** Exact or `prefix*`, letter case ignored, and phone numbers alike however they are written. */
function matches(pattern: string, name: string): boolean {
  if (pattern.endsWith("*")) {
    const prefix = pattern.slice(0, -1);
    return canonical(name).startsWith(canonical(prefix)) || fold(name).startsWith(fold(prefix));
  }
  return canonical(pattern) === canonical(name);
}

/** `+55 11 99999-9999` and `5511999999999@s.whatsapp.net` are one name; other texts are only folded. */
function canonical(name: string): string {
  const folded = fold(name).replace(/@s\.whatsapp\.net$|@c\.us$/, "");
  const digits = folded.replaceAll(/[\s().+-]/g, "");
  return /^\d{5,20}$/.test(digits) ? digits : folded;
}

function fold(text: string): string {
  return text.normalize("NFC").toLowerCase().trim();
}
