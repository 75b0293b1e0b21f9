/**
 * What each dialect can show and how it writes it: one table entry per dialect, nothing else decides.
 * Facts: WhatsApp has no escape and, like Slack, draws marks only between word boundaries; Slack escapes
 * & < > and nothing else; Discord renders headings 1 to 3, masked links and escapes with a backslash.
 */
import type { Mark } from "./document.ts";
import { breakFences, escapeDiscord, escapeDiscordLabel, escapeSlack } from "./escape.ts";

export type Dialect = "whatsapp" | "slack" | "discord" | "plain";

export interface DialectRules {
  readonly marks: Readonly<Record<Mark, string>>;
  /** Marks are drawn only where no word touches them from outside. */
  readonly wordBound: boolean;
  /** No escape for `*_~` exists: literal ones that would pair are kept apart by U+200B. */
  readonly guarded: boolean;
  /** Literal text of one run; `lineStart`: nothing stands before it on its line. */
  readonly escape: (text: string, lineStart: boolean) => string;
  /** Code, inline or fenced: what must not stand in it as it is. */
  readonly escapeCode: (code: string) => string;
  /** Signs around inline code; undefined where the code can only be shown as text. */
  readonly codeSigns: (code: string) => readonly [open: string, close: string] | undefined;
  /** `label` and `href` as found in the source; `href` is not empty. */
  readonly link: (label: string, href: string) => string;
  /** Signs of a heading; an empty lead means bold. */
  readonly headingLead: (level: number) => string;
  readonly fence: "with language" | "bare" | "none";
  /** Whether a fence keeps the quote's prefix; where not, it leaves the quote. */
  readonly fenceInQuote: boolean;
  /** Whether a blank line within a quote stays one. */
  readonly blankInQuote: boolean;
  readonly bullet: string;
  readonly tasks: { readonly todo: string; readonly done: string };
  /** Widest table shown as a code block, in columns; wider ones become `header: value` lines. */
  readonly tableColumnsMax: number;
}

const BOXES = { todo: "☐ ", done: "☑ " };
const BRACKETS = { todo: "[ ] ", done: "[x] " };
const SAFE_SCHEME = /^(?:https?:\/\/|mailto:|tel:)/i;
const WEB = /^https?:\/\//i;

export const DIALECTS: Readonly<Record<Dialect, DialectRules>> = {
  whatsapp: {
    marks: { bold: "*", italic: "_", strike: "~" },
    wordBound: true,
    guarded: true,
    escape: guardQuoteSign,
    escapeCode: breakFences,
    codeSigns: singleTicks,
    link: besideAddress,
    headingLead: () => "",
    fence: "bare",
    fenceInQuote: false,
    blankInQuote: false,
    bullet: "- ",
    tasks: BOXES,
    tableColumnsMax: 32,
  },
  slack: {
    marks: { bold: "*", italic: "_", strike: "~" },
    wordBound: true,
    guarded: true,
    escape: (text, lineStart) => escapeSlack(guardQuoteSign(text, lineStart)),
    escapeCode: (code) => escapeSlack(breakFences(code)),
    codeSigns: singleTicks,
    link: slackLink,
    headingLead: () => "",
    fence: "bare",
    fenceInQuote: false,
    blankInQuote: true,
    bullet: "• ",
    tasks: BOXES,
    tableColumnsMax: 90,
  },
  discord: {
    marks: { bold: "**", italic: "*", strike: "~~" },
    wordBound: false,
    guarded: false,
    escape: escapeDiscord,
    escapeCode: breakFences,
    codeSigns: (code) => (code.includes("``") ? undefined : discordTicks(code)),
    link: maskedLink,
    headingLead: (level) => (level <= 3 ? `${"#".repeat(level)} ` : ""),
    fence: "with language",
    fenceInQuote: true,
    blankInQuote: true,
    bullet: "- ",
    tasks: BRACKETS,
    tableColumnsMax: 60,
  },
  plain: {
    marks: { bold: "", italic: "", strike: "" },
    wordBound: false,
    guarded: false,
    escape: (text) => text,
    escapeCode: (code) => code,
    codeSigns: () => undefined,
    link: besideAddress,
    headingLead: () => "",
    fence: "none",
    fenceInQuote: true,
    blankInQuote: true,
    bullet: "- ",
    tasks: BRACKETS,
    tableColumnsMax: 0,
  },
};

/** `label (address)`, or the address alone where the label says no more. Unescaped. */
export function besideAddress(label: string, href: string): string {
  const address = href.replace(/^(?:mailto|tel):/i, "");
  return saysTheSame(label, address) ? longer(label, address) : `${label} (${address})`;
}

function saysTheSame(label: string, address: string): boolean {
  const bare = (text: string) => text.replace(WEB, "").replace(/\/$/, "").toLowerCase();
  return label === "" || bare(label) === bare(address);
}

function longer(label: string, address: string): string {
  return label.length > address.length ? label : address;
}

/** `<address|label>`; an address that is not one of the web, mail or telephone can't become a token. */
function slackLink(label: string, href: string): string {
  if (!SAFE_SCHEME.test(href)) return escapeSlack(besideAddress(label, href));
  const address = escapeSlack(href.replaceAll("|", "%7C").replaceAll(/\s/g, "%20"));
  if (label === "" || label === href) return `<${address}>`;
  return `<${address}|${escapeSlack(label)}>`;
}

/** Discord refuses to mask addresses other than the web's, and labels that are addresses themselves. */
function maskedLink(label: string, href: string): string {
  const beside = besideAddress(label, href);
  if (!WEB.test(href)) return escapeDiscord(beside, false);
  if (saysTheSame(label, href)) return href;
  if (/https?:\/\//i.test(label)) return beside;
  const address = href.replaceAll("(", "%28").replaceAll(")", "%29").replaceAll(/\s/g, "%20");
  return `[${escapeDiscordLabel(label)}](${address})`;
}

function singleTicks(code: string): readonly [string, string] | undefined {
  return code.includes("`") ? undefined : ["`", "`"];
}

function discordTicks(code: string): readonly [string, string] {
  return code.includes("`") ? ["`` ", " ``"] : ["`", "`"];
}

/** A literal `>` that begins a line would make a quote. */
function guardQuoteSign(text: string, lineStart: boolean): string {
  return lineStart && text.startsWith(">") ? `\u200b${text}` : text;
}
