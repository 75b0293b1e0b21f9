/** Case files about what may come in and where calls may go: signatures, secrets, addresses, URLs. */
import { checkAddress, checkUrl } from "../../domain/egress/ssrf.ts";
import { INBOUND_SCHEMES, type InboundScheme } from "../../domain/events/inbound-hmac.ts";
import { verifyInbound } from "../../platform/inbound-hmac.ts";
import { checkSecret, signWebhook, verifyWebhook } from "../../platform/webhook-signature.ts";
import type { Tally } from "./events-tally.ts";

type Headers = Readonly<Record<string, string>>;

interface Payload {
  readonly payload?: string;
  readonly payload_base64?: string;
}

export interface StandardWebhooksFile {
  readonly sign: readonly (Payload & {
    readonly name: string;
    readonly secret?: string;
    readonly secrets?: readonly string[];
    readonly id: string;
    readonly timestamp: number;
    readonly expected: string;
  })[];
  readonly verify: readonly (Payload & {
    readonly name: string;
    readonly secret: string;
    readonly headers: Headers;
    readonly now: number;
    readonly valid: boolean;
    readonly error?: string;
  })[];
  readonly secrets: readonly { readonly value: string; readonly valid: boolean }[];
}

/** The file's names for a refusal by age, and ours. */
const AGES: ReadonlyMap<string, string> = new Map([
  ["timestamp_too_old", "stale"],
  ["timestamp_too_new", "future"],
]);

export async function runStandardWebhooks(file: StandardWebhooksFile, to: Tally): Promise<void> {
  for (const one of file.sign) {
    const secrets = one.secrets ?? [one.secret ?? ""];
    await to.checkLater(`sign ${one.name}`, () => signatureOf(one, secrets), one.expected);
  }
  for (const one of file.verify) {
    const verdict = () =>
      verifyWebhook(lookUp(one.headers), bytesOf(one), [one.secret], one.now * 1000);
    await to.checkLater(`verify ${one.name}`, async () => (await verdict()).ok, one.valid);
    if (one.error === undefined) continue;
    const reason = async () => {
      const result = await verdict();
      return result.ok ? "accepted" : result.failure.reason;
    };
    await to.checkLater(`why ${one.name}`, reason, AGES.get(one.error));
  }
  for (const { value, valid } of file.secrets)
    await to.checkLater(`secret ${value}`, async () => (await checkSecret(value)).ok, valid);
}

export interface InboundFile {
  readonly cases: readonly {
    readonly scheme: string;
    readonly secret: string;
    readonly body: string;
    readonly timestamp?: number;
    readonly headers: Headers;
    readonly valid: boolean;
  }[];
}

/** Words a case's description begins with, and the scheme they mean. */
const SCHEME_OF: readonly (readonly [string, InboundScheme])[] = [
  ["github", INBOUND_SCHEMES.github],
  ["seed", INBOUND_SCHEMES.sha256],
  ["slack", INBOUND_SCHEMES.slack],
  ["stripe", INBOUND_SCHEMES.stripe],
  ["shopify", INBOUND_SCHEMES.shopify],
  ["outpost", INBOUND_SCHEMES.outpost],
];

/** Each case as it is; a valid one also with a byte more, which must refuse it. */
export async function runInboundHmac(file: InboundFile, to: Tally): Promise<void> {
  for (const one of file.cases) {
    const scheme = SCHEME_OF.find(([word]) => one.scheme.startsWith(word))?.[1];
    if (!scheme) {
      to.check(`a scheme for ${one.scheme}`, () => "none", "one");
      continue;
    }
    const nowMs = (one.timestamp ?? 0) * 1000;
    const verdict = async (text: string) => {
      const body = new TextEncoder().encode(text);
      return (await verifyInbound(scheme, lookUp(one.headers), body, [one.secret], nowMs)).ok;
    };
    await to.checkLater(one.scheme, () => verdict(one.body), one.valid);
    if (one.valid)
      await to.checkLater(`${one.scheme}, tampered`, () => verdict(`${one.body} `), false);
  }
}

interface Verdicts {
  readonly blocked: readonly string[];
  readonly allowed: readonly string[];
}

export interface SsrfFile {
  readonly ip: Verdicts;
  readonly url: Verdicts;
}

export function runSsrf(file: SsrfFile, to: Tally): void {
  const policy = { allow: [], production: false };
  const url = (text: string) => checkUrl(text, policy).ok;
  const address = (text: string) => checkAddress(text).ok;
  for (const text of file.ip.blocked) to.check(`address ${text}`, () => address(text), false);
  for (const text of file.ip.allowed) to.check(`address ${text}`, () => address(text), true);
  for (const text of file.url.blocked) to.check(`url ${text}`, () => url(text), false);
  for (const text of file.url.allowed) to.check(`url ${text}`, () => url(text), true);
}

async function signatureOf(
  one: StandardWebhooksFile["sign"][number],
  secrets: readonly string[],
): Promise<string | undefined> {
  const delivery = { id: one.id, timestamp: one.timestamp, body: bytesOf(one) };
  const headers = await signWebhook(delivery, secrets);
  return headers.ok ? headers.value["webhook-signature"] : headers.failure.reason;
}

function bytesOf({ payload, payload_base64 }: Payload): Uint8Array {
  if (payload_base64 !== undefined) return Uint8Array.from(Buffer.from(payload_base64, "base64"));
  return new TextEncoder().encode(payload ?? "");
}

function lookUp(headers: Headers): (name: string) => string | null {
  const byName = new Map(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]),
  );
  return (name) => byName.get(name) ?? null;
}
