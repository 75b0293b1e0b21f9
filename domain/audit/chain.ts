/**
 * The chain of a trail. Each entry's hash is SHA-256 over the hash before it and its own canonical form: anybody can
 * check that without a key. What is written at once is a block, and each block and each sealed head carries an
 * HMAC under a key of the trail: whoever can write where the trail is kept, but does not have the hub's secret, can
 * compute hashes and not these.
 */
import { toHex } from "../security/base64url.ts";
import { type AuditDraft, type AuditEntry, auditEntry, canonicalJson } from "./entry.ts";

/** How far a trail has come. `seq` 0: nothing is in it. */
export interface AuditHead {
  readonly seq: number;
  readonly hash: string;
}

/** An entry with its hash. */
export interface AuditLink {
  readonly entry: AuditEntry;
  readonly hash: string;
}

/** What was appended at once, as it is kept. `body`: the links as canonical JSON. */
export interface AuditBlock {
  /** Number of its first entry. */
  readonly first: number;
  readonly entries: number;
  /** Id of its first entry, which names the block. */
  readonly id: string;
  readonly appendedMs: number;
  /** Times of its entries, ms. */
  readonly oldestMs: number;
  readonly newestMs: number;
  readonly body: string;
  /** Of its last entry: what the next block goes on from. */
  readonly hash: string;
  readonly mac: string;
}

/** A head that was put where it cannot be put again. */
export interface SealedHead extends AuditHead {
  readonly mac: string;
}

/** The hash before the first entry. */
export async function genesisOf(trail: string): Promise<AuditHead> {
  return { seq: 0, hash: await sha256(`omni-edge audit v1 ${trail}`) };
}

/** Both are texts of ASCII; the first always has 64 characters. */
export function linkHash(before: string, canonical: string): Promise<string> {
  return sha256(before + canonical);
}

/** The trail's own key, out of the hub's secret (HKDF, RFC 5869): to know one trail's is to know no other's. */
export async function trailKey(secret: string, trail: string): Promise<CryptoKey> {
  const master = await crypto.subtle.importKey("raw", encode(secret), "HKDF", false, ["deriveKey"]);
  const derivation = {
    name: "HKDF",
    hash: "SHA-256",
    salt: new Uint8Array(),
    info: encode(`omni-edge audit v1 ${trail}`),
  };
  const hmac = { name: "HMAC", hash: "SHA-256", length: 256 };
  return crypto.subtle.deriveKey(derivation, master, hmac, false, ["sign"]);
}

/** The next block behind `head`. `drafts` are not empty. */
export async function chainBlock(
  { trail, key }: { readonly trail: string; readonly key: CryptoKey },
  head: AuditHead,
  drafts: readonly AuditDraft[],
  appendedMs: number,
): Promise<{ readonly block: AuditBlock; readonly head: AuditHead }> {
  const links: AuditLink[] = [];
  let { seq, hash } = head;
  for (const draft of drafts) {
    seq += 1;
    const entry = auditEntry(draft, seq);
    hash = await linkHash(hash, canonicalJson(entry));
    links.push({ entry, hash });
  }
  const times = drafts.map(({ atMs }) => atMs);
  const plain = {
    first: head.seq + 1,
    entries: links.length,
    id: links[0]?.entry.id ?? "",
    appendedMs,
    oldestMs: Math.min(...times),
    newestMs: Math.max(...times),
    body: canonicalJson(links),
    hash,
  };
  const mac = await blockMac(key, trail, plain);
  return { block: { ...plain, mac }, head: { seq, hash } };
}

/** Its hash stands for its body and all before it. */
export function blockMac(
  key: CryptoKey,
  trail: string,
  block: Omit<AuditBlock, "body" | "mac">,
): Promise<string> {
  const { first, entries, id, appendedMs, oldestMs, newestMs, hash } = block;
  const said = ["block", trail, first, entries, id, appendedMs, oldestMs, newestMs, hash];
  return macOf(key, canonicalJson(said));
}

/** `kind`: a sealed head, or the place up to which entries have left for the archive. */
export async function sealHead(
  key: CryptoKey,
  trail: string,
  kind: "head" | "floor",
  { seq, hash }: AuditHead,
): Promise<SealedHead> {
  return { seq, hash, mac: await macOf(key, canonicalJson([kind, trail, seq, hash])) };
}

export async function isSealed(
  key: CryptoKey,
  trail: string,
  kind: "head" | "floor",
  sealed: SealedHead,
): Promise<boolean> {
  return (await sealHead(key, trail, kind, sealed)).mac === sealed.mac;
}

async function macOf(key: CryptoKey, text: string): Promise<string> {
  return toHex(new Uint8Array(await crypto.subtle.sign("HMAC", key, encode(text))));
}

async function sha256(text: string): Promise<string> {
  return toHex(new Uint8Array(await crypto.subtle.digest("SHA-256", encode(text))));
}

function encode(text: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(new TextEncoder().encode(text));
}
