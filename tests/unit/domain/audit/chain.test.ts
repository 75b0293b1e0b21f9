/** The chain of a trail: whatever is edited, taken away, put in, swapped or cut is found, and the first of it is named. */
import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type AuditBlock,
  type AuditHead,
  type AuditLink,
  chainBlock,
  genesisOf,
  isSealed,
  linkHash,
  sealHead,
  trailKey,
} from "../../../../domain/audit/chain.ts";
import { type AuditDraft, canonicalJson } from "../../../../domain/audit/entry.ts";
import {
  type Broken,
  checkBlock,
  checkHeads,
  checkLinks,
} from "../../../../domain/audit/verify.ts";

const SECRET = "an-id-secret-of-the-hub";
const TRAIL = "acme";

async function of(trail = TRAIL, secret = SECRET) {
  return { trail, key: await trailKey(secret, trail) };
}

function draft(n: number): AuditDraft {
  return {
    ...{ id: `aud_${"abcdefgh"[n % 8]}${n}`, atMs: 1_800_000_000_000 + n, action: "updateTenant" },
    ...{ actor: { kind: "key", id: "key_1" }, target: { tenant: "acme" }, outcome: "ok" },
  };
}

/** A trail of blocks of these sizes. */
async function trailOf(sizes: readonly number[], key = of()): Promise<AuditBlock[]> {
  const known = await key;
  const blocks: AuditBlock[] = [];
  let head = await genesisOf(known.trail);
  for (const size of sizes) {
    const drafts = Array.from({ length: size }, (_, n) => draft(head.seq + n));
    const chained = await chainBlock(known, head, drafts, 1_800_000_000_000 + head.seq);
    blocks.push(chained.block);
    head = chained.head;
  }
  return blocks;
}

async function check(blocks: readonly AuditBlock[]): Promise<Broken | AuditHead> {
  const known = await of();
  let head = await genesisOf(TRAIL);
  for (const block of blocks) {
    const checked = await checkBlock(known, head, block);
    if (!checked.ok) return checked.failure;
    head = checked.value;
  }
  return head;
}

const links = (block: AuditBlock) => JSON.parse(block.body) as AuditLink[];
const endOf = ({ first, entries }: AuditBlock) => first + entries - 1;

/** Somebody who can write the rows, and compute hashes, but has no key: everything behind follows from the change. */
async function rechained(
  blocks: readonly AuditBlock[],
  at: number,
  changed: AuditLink[],
): Promise<AuditBlock[]> {
  let hash = at === 0 ? (await genesisOf(TRAIL)).hash : (blocks[at - 1]?.hash ?? "");
  const result = blocks.slice(0, at);
  for (const [n, block] of blocks.entries()) {
    if (n < at) continue;
    const redone: AuditLink[] = [];
    for (const { entry } of n === at ? changed : links(block)) {
      hash = await linkHash(hash, canonicalJson(entry));
      redone.push({ entry, hash });
    }
    result.push({ ...block, body: canonicalJson(redone), hash });
  }
  return result;
}

const sizes = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 2, maxLength: 8 });

describe("what was not changed", () => {
  test("is right, in blocks of any size", async () => {
    await fc.assert(
      fc.asyncProperty(sizes, async (given) => {
        const blocks = await trailOf(given);
        const end = given.reduce((sum, size) => sum + size, 0);
        expect(await check(blocks)).toEqual({ seq: end, hash: blocks.at(-1)?.hash });
      }),
      { numRuns: 30 },
    );
  });

  test("has hashes that anybody can compute: SHA-256 over the one before and the entry's canonical form", async () => {
    const [block] = await trailOf([2]);
    const sha = (text: string) => createHash("sha256").update(text).digest("hex");
    const [first, second] = links(block as AuditBlock);
    const before = sha(`omni-edge audit v1 ${TRAIL}`);
    expect(first?.hash).toBe(sha(before + canonicalJson(first?.entry)));
    expect(second?.hash).toBe(sha(`${first?.hash}${canonicalJson(second?.entry)}`));
  });
});

describe("found, with the first that is wrong", () => {
  const edits: readonly ((entry: Record<string, unknown>) => unknown)[] = [
    (entry) => ({ ...entry, outcome: "failed" }),
    (entry) => ({ ...entry, at: "2020-01-01T00:00:00.000Z" }),
    (entry) => ({ ...entry, actor: { kind: "operator" } }),
    (entry) => ({ ...entry, target: { tenant: "globex" } }),
    (entry) => ({ ...entry, more: 1 }),
    ({ trace: _, actor: __, ...entry }) => entry,
    (entry) => ({ ...entry, seq: Number(entry.seq) + 1 }),
  ];

  test("any edit of any entry", async () => {
    await fc.assert(
      fc.asyncProperty(sizes, fc.nat(), fc.nat(), async (given, where, how) => {
        const blocks = await trailOf(given);
        const end = endOf(blocks.at(-1) as AuditBlock);
        const seq = (where % end) + 1;
        const at = blocks.findIndex((block) => endOf(block) >= seq);
        const block = blocks[at] as AuditBlock;
        const edit = edits[how % edits.length] ?? ((entry) => entry);
        const changed = links(block).map((link) =>
          link.entry.seq === seq ? { ...link, entry: edit({ ...link.entry }) } : link,
        );
        blocks[at] = { ...block, body: canonicalJson(changed) };
        expect(await check(blocks)).toEqual({ seq, reason: "altered" });
      }),
      { numRuns: 60 },
    );
  });

  test("any edit by somebody who computes every hash behind it anew: its block", async () => {
    await fc.assert(
      fc.asyncProperty(sizes, fc.nat(), async (given, where) => {
        const blocks = await trailOf(given);
        const at = where % blocks.length;
        const block = blocks[at] as AuditBlock;
        const changed = links(block).map((link, n) =>
          n === 0 ? { ...link, entry: { ...link.entry, action: "deleteTenant" } } : link,
        );
        const forged = await rechained(blocks, at, changed);
        expect(await check(forged)).toEqual({ seq: block.first, reason: "forged" });
      }),
      { numRuns: 40 },
    );
  });

  test("any block that is gone, unless it is the last, which the sealed heads show", async () => {
    await fc.assert(
      fc.asyncProperty(sizes, fc.nat(), async (given, where) => {
        const blocks = await trailOf(given);
        const at = where % (blocks.length - 1);
        const { first } = blocks[at] as AuditBlock;
        expect(await check(blocks.toSpliced(at, 1))).toEqual({ seq: first, reason: "missing" });
        const cut = blocks.slice(0, -1);
        const end = endOf(cut.at(-1) as AuditBlock);
        const whole = endOf(blocks.at(-1) as AuditBlock);
        const heads = [{ seq: whole, hash: blocks.at(-1)?.hash ?? "" }];
        expect(checkHeads(heads, () => undefined, end)).toEqual({ seq: end + 1, reason: "cut" });
      }),
      { numRuns: 40 },
    );
  });

  test("any two blocks of one size that changed places", async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.nat(), async (one, other) => {
        const blocks = await trailOf([2, 2, 2, 2]);
        const [a, b] = [one % 4, other % 4].toSorted();
        fc.pre(a !== b);
        const swapped = blocks.map((block, n) => {
          const from = n === a ? b : n === b ? a : n;
          return { ...(blocks[from ?? n] as AuditBlock), first: block.first };
        });
        const { first } = blocks[a ?? 0] as AuditBlock;
        expect(await check(swapped)).toEqual({ seq: first, reason: "altered" });
      }),
      { numRuns: 20 },
    );
  });

  test.each<[string, Partial<AuditBlock>, Broken["reason"]]>([
    ["the number of entries", { entries: 9 }, "forged"],
    ["its id", { id: "aud_other" }, "forged"],
    ["the time of the append", { appendedMs: 1 }, "forged"],
    ["the time of its oldest entry", { oldestMs: 1 }, "forged"],
    ["the hash that the next one goes on from", { hash: "0".repeat(64) }, "altered"],
    ["its keyed hash", { mac: "0".repeat(64) }, "forged"],
    ["a body that is no JSON", { body: "[{" }, "altered"],
    ["a body that is no list", { body: "{}" }, "altered"],
    ["an empty body", { body: "[]" }, "altered"],
  ])("a block with another value for %s", async (_, change, reason) => {
    const blocks = await trailOf([2, 2, 2]);
    blocks[1] = { ...(blocks[1] as AuditBlock), ...change };
    expect(await check(blocks)).toEqual({ seq: 3, reason });
  });

  test("a space in a body: the hub never writes one", async () => {
    const blocks = await trailOf([1, 1]);
    const second = blocks[1] as AuditBlock;
    blocks[1] = { ...second, body: second.body.replace(",", ", ") };
    expect(await check(blocks)).toEqual({ seq: 2, reason: "altered" });
  });

  test("an entry put in between", async () => {
    const blocks = await trailOf([1, 1, 1]);
    const inserted = { ...(blocks[0] as AuditBlock), first: 2 };
    const later = blocks.slice(1).map((block) => ({ ...block, first: block.first + 1 }));
    const put = [blocks[0] as AuditBlock, inserted, ...later];
    expect(await check(put)).toEqual({ seq: 2, reason: "altered" });
  });

  test("a whole trail made with another secret, or another trail's", async () => {
    expect(await check(await trailOf([1, 1], of(TRAIL, "another-secret")))).toEqual({
      ...{ seq: 1, reason: "forged" },
    });
    expect(await check(await trailOf([1, 1], of("globex")))).toEqual({ seq: 1, reason: "altered" });
  });
});

describe("sealed heads", () => {
  test("are the hub's, of this trail, and for one use", async () => {
    const { key } = await of();
    const head = await sealHead(key, TRAIL, "head", { seq: 5, hash: "a".repeat(64) });
    expect(await isSealed(key, TRAIL, "head", head)).toBe(true);
    expect(await isSealed(key, TRAIL, "floor", head)).toBe(false);
    expect(await isSealed(key, TRAIL, "head", { ...head, seq: 6 })).toBe(false);
    const globex = await trailKey(SECRET, "globex");
    expect(await isSealed(globex, TRAIL, "head", head)).toBe(false);
  });

  test.each<[string, readonly AuditHead[], number, Broken | undefined]>([
    ["agree", [{ seq: 2, hash: "b" }], 4, undefined],
    ["stand beyond the end", [{ seq: 6, hash: "f" }], 4, { seq: 5, reason: "cut" }],
    [
      "say something else, the first of them behind one that agrees",
      [
        { seq: 4, hash: "x" },
        { seq: 2, hash: "b" },
      ],
      4,
      { seq: 3, reason: "replaced" },
    ],
    ["are of entries that were not looked at", [{ seq: 3, hash: "x" }], 4, undefined],
  ])("%s", (_, heads, end, broken) => {
    const hashes = new Map([
      [2, "b"],
      [4, "d"],
    ]);
    expect(checkHeads(heads, (seq) => hashes.get(seq), end)).toEqual(broken);
  });
});

test("an export's lines are checked by their hashes alone", async () => {
  const all = (await trailOf([2, 3])).flatMap(links);
  const genesis = await genesisOf(TRAIL);
  expect(await checkLinks(genesis, all)).toMatchObject({ ok: true, value: { seq: 5 } });
  expect(await checkLinks(genesis, all.toSpliced(3, 1))).toEqual({
    ...{ ok: false, failure: { seq: 4, reason: "altered" } },
  });
});
