/**
 * Looks at what is kept of a trail, block by block, and names the first entry that is not as it was appended. Where
 * whoever changed it computed the hashes anew, but had no key, that is the first entry of the changed block.
 */
import { fail, ok, type Result } from "../result.ts";
import { type AuditBlock, type AuditHead, type AuditLink, blockMac, linkHash } from "./chain.ts";
import { canonicalJson } from "./entry.ts";

export interface TrailKey {
  readonly trail: string;
  readonly key: CryptoKey;
}

export interface Broken {
  /** The first entry that is wrong or not there. */
  readonly seq: number;
  /**
   * `missing`: it is not there. `altered`: it does not follow from what is before it. `forged`: it does, but was not
   * written by this hub. `cut`: the trail once went on here. `replaced`: a sealed head says something else.
   */
  readonly reason: "missing" | "altered" | "forged" | "cut" | "replaced";
}

/** The head behind `block`, or what is wrong with it. Never throws. */
export async function checkBlock(
  { trail, key }: TrailKey,
  head: AuditHead,
  block: AuditBlock,
): Promise<Result<AuditHead, Broken>> {
  const seq = head.seq + 1;
  if (block.first > seq) return fail({ seq, reason: "missing" });
  const links = linksOf(block);
  const walked = await checkLinks(head, links ?? []);
  if (!walked.ok) return walked;
  if (!links || block.first !== seq || links.length === 0) return fail({ seq, reason: "altered" });
  // Another order of members, or a space, is nobody's edit but the hub never writes it.
  if (canonicalJson(links) !== block.body) return fail({ seq, reason: "altered" });
  if (block.hash !== walked.value.hash) return fail({ seq, reason: "altered" });
  const told = block.entries === links.length && block.id === links[0]?.entry.id;
  const mac = await blockMac(key, trail, block);
  return told && mac === block.mac ? walked : fail({ seq, reason: "forged" });
}

/** Entries without their blocks, as an export has them: the hashes alone. */
export async function checkLinks(
  head: AuditHead,
  links: readonly AuditLink[],
): Promise<Result<AuditHead, Broken>> {
  let { seq, hash } = head;
  for (const link of links) {
    seq += 1;
    const right = await linkHash(hash, canonicalJson(link.entry));
    if (link.entry.seq !== seq || link.hash !== right) return fail({ seq, reason: "altered" });
    hash = right;
  }
  return ok({ seq, hash });
}

/** What a block holds; undefined where that cannot be read. */
export function linksOf({ body }: Pick<AuditBlock, "body">): readonly AuditLink[] | undefined {
  try {
    const parsed: unknown = JSON.parse(body);
    return Array.isArray(parsed) && parsed.every(isLink) ? parsed : undefined;
  } catch {
    return undefined;
  }
}

function isLink(value: unknown): value is AuditLink {
  if (typeof value !== "object" || value === null) return false;
  const { entry, hash } = value as Partial<AuditLink>;
  return typeof entry === "object" && entry !== null && typeof hash === "string";
}

/**
 * Compares sealed heads, which the caller knows to be the hub's, with the trail. `hashAt`: of its entries, as far as
 * they were just checked. Heads of other places say nothing, but for those beyond `end`, the trail's last entry.
 */
export function checkHeads(
  heads: readonly AuditHead[],
  hashAt: (seq: number) => string | undefined,
  end: number,
): Broken | undefined {
  let agreed = 0;
  for (const head of heads.toSorted((a, b) => a.seq - b.seq)) {
    if (head.seq > end) return { seq: end + 1, reason: "cut" };
    const hash = hashAt(head.seq);
    if (hash !== undefined && hash !== head.hash) return { seq: agreed + 1, reason: "replaced" };
    if (hash !== undefined) agreed = head.seq;
  }
  return undefined;
}
