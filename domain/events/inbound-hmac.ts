/**
 * How senders that are no channel of ours sign their webhooks, as data: where the signature stands, how it is
 * written and what is signed. Without cryptography: `platform/inbound-hmac.ts` computes. Slack's own channel and
 * Standard Webhooks have verifiers of their own; the forms here are for custom sources.
 */
import { fail, ok, type Result } from "../result.ts";
import { fromBase64Url } from "../security/base64url.ts";

/** A signed time may be this old or this far ahead, in seconds; the limit itself is still accepted. */
const TOLERANCE_SECONDS = 300;
/** Signatures of one header that are tried: more than any rotation needs. */
const SIGNATURES_MAX = 8;
const HEADER_CHARS_MAX = 4096;

type Bytes = Uint8Array<ArrayBuffer>;

/** HMAC-SHA-256 with the secret's text as the key, always. */
export interface InboundScheme {
  /** Lower-case name of the header with the signature. */
  readonly header: string;
  readonly encoding: "hex" | "base64";
  /** `plain`: behind a prefix, several between commas. `fields`: `name=value` pairs between commas. */
  readonly form:
    | { readonly is: "plain"; readonly prefix: string }
    | { readonly is: "fields"; readonly timestamp: string; readonly signature: string };
  /** Header with the signed time, in seconds; `fields` carry theirs inside. */
  readonly timestampHeader?: string;
  /** What is signed before the body; `{timestamp}` stands for the signed time. */
  readonly before: string;
}

/** The forms in common use, by name. */
export const INBOUND_SCHEMES = {
  sha256: plain("x-webhook-signature", "sha256="),
  github: plain("x-hub-signature-256", "sha256="),
  outpost: plain("x-outpost-signature", "v0="),
  shopify: { ...plain("x-shopify-hmac-sha256", ""), encoding: "base64" },
  slack: {
    ...plain("x-slack-signature", "v0="),
    timestampHeader: "x-slack-request-timestamp",
    before: "v0:{timestamp}:",
  },
  stripe: {
    header: "x-signature",
    encoding: "hex",
    form: { is: "fields", timestamp: "t", signature: "v1" },
    before: "{timestamp}.",
  },
} as const satisfies Readonly<Record<string, InboundScheme>>;

export interface InboundFailure {
  readonly reason: "missing" | "malformed" | "stale" | "future" | "mismatch";
}

export interface InboundSignature {
  /** What stands before the body under the signature. */
  readonly before: string;
  readonly signatures: readonly Bytes[];
}

/** Reads the headers of one request and judges its age. */
export function readInbound(
  scheme: InboundScheme,
  header: (name: string) => string | null,
  nowMs: number,
): Result<InboundSignature, InboundFailure> {
  const value = header(scheme.header);
  if (!value) return fail({ reason: "missing" });
  if (value.length > HEADER_CHARS_MAX) return fail({ reason: "malformed" });
  const { stamp, texts } = partsOf(scheme, value, header);
  const signatures = texts.flatMap((text) => decode(text, scheme.encoding) ?? []);
  if (signatures.length === 0) return fail({ reason: "malformed" });
  if (!scheme.before.includes("{timestamp}")) return ok({ before: scheme.before, signatures });
  const age = checkAge(stamp, nowMs);
  if (!age.ok) return age;
  return ok({ before: scheme.before.replaceAll("{timestamp}", age.value), signatures });
}

function plain(header: string, prefix: string) {
  return { header, encoding: "hex", form: { is: "plain", prefix }, before: "" } as const;
}

function partsOf(
  scheme: InboundScheme,
  value: string,
  header: (name: string) => string | null,
): { readonly stamp: string | null; readonly texts: readonly string[] } {
  const { form } = scheme;
  if (form.is === "plain") {
    const stamp = scheme.timestampHeader === undefined ? null : header(scheme.timestampHeader);
    if (!value.startsWith(form.prefix)) return { stamp, texts: [] };
    const texts = value.slice(form.prefix.length).split(",").slice(0, SIGNATURES_MAX);
    return { stamp, texts: texts.map((text) => text.trim()) };
  }
  const pairs = value.split(",").map((pair) => {
    const [name = "", ...rest] = pair.trim().split("=");
    return [name, rest.join("=")] as const;
  });
  const stamps = pairs.filter(([name]) => name === form.timestamp);
  const texts = pairs.filter(([name]) => name === form.signature).slice(0, SIGNATURES_MAX);
  // Two times in one header: nobody can say which one is signed.
  const stamp = stamps.length === 1 ? (stamps[0]?.[1] ?? null) : null;
  return { stamp, texts: texts.map(([, text]) => text) };
}

function checkAge(stamp: string | null, nowMs: number): Result<string, InboundFailure> {
  if (stamp === null) return fail({ reason: "missing" });
  if (!/^\d{1,12}$/.test(stamp)) return fail({ reason: "malformed" });
  const ageSeconds = Math.floor(nowMs / 1000) - Number(stamp);
  if (ageSeconds > TOLERANCE_SECONDS) return fail({ reason: "stale" });
  return ageSeconds < -TOLERANCE_SECONDS ? fail({ reason: "future" }) : ok(stamp);
}

function decode(text: string, encoding: InboundScheme["encoding"]): Bytes | undefined {
  if (encoding === "base64")
    return /^[A-Za-z0-9+/]+={0,2}$/.test(text) ? fromBase64Url(text) : undefined;
  if (!/^(?:[\da-f]{2})+$/i.test(text)) return undefined;
  return Uint8Array.from({ length: text.length / 2 }, (_, at) =>
    Number.parseInt(text.slice(at * 2, at * 2 + 2), 16),
  );
}
