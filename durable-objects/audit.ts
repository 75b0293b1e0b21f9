/**
 * One trail: a tenant's, or the hub's own. Appends in the order in which it is asked, seals its head into R2 every
 * hundred entries or within an hour, and hands what is old to the archive. Nothing in it is ever changed.
 */
import { DurableObject } from "cloudflare:workers";
import {
  type AuditHead,
  chainBlock,
  genesisOf,
  isSealed,
  trailKey,
} from "../domain/audit/chain.ts";
import type { AuditFilter } from "../domain/audit/filter.ts";
import type { TrailKey } from "../domain/audit/verify.ts";
import {
  AUDIT_BATCH_MAX,
  type AuditBatch,
  type AuditLines,
  type AuditPage,
  type AuditPart,
  type AuditRpc,
} from "../platform/audit-trail.ts";
import { throughSeam } from "../platform/fault-seam.ts";
import { logLine } from "../platform/log.ts";
import { count, flushMetrics } from "../platform/metrics.ts";
import { parseVars } from "../schema/vars.ts";
import { archiveOldest } from "./audit-archive.ts";
import { putHead } from "./audit-heads.ts";
import { linesBehind, pageBefore, verifyPart } from "./audit-reading.ts";
import { type AuditStorage, openAuditStorage } from "./audit-storage.ts";

/** A head is sealed after so many entries, and after so long, ms. */
export const AUDIT_SEAL_EVERY = 100;
export const AUDIT_SEAL_MS = 3_600_000;
/** Entries are kept at hand for so long, ms (400 days), and so many of them; older ones are in the archive. */
export const AUDIT_HOT_MS = 400 * 86_400_000;
export const AUDIT_HOT_ENTRIES = 500_000;
/** Objects archived by one alarm; the next goes on at once. */
const SEGMENTS_PER_ALARM = 20;
/** What R2 did not take is put again after this, ms. */
const AGAIN_MS = 60_000;

export class Audit extends DurableObject<Env> implements AuditRpc {
  readonly #storage: AuditStorage;
  /** One append at a time: a hash takes a moment, and the next goes on from it. */
  #last: Promise<unknown> = Promise.resolve();
  #key: Promise<CryptoKey> | undefined;
  #isArmed = false;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#storage = openAuditStorage(ctx.storage);
  }

  append({ trail, drafts, late = false }: AuditBatch, nowMs: number): Promise<{ added: number }> {
    const appended = this.#last.then(async () => {
      const taken = drafts.slice(0, AUDIT_BATCH_MAX);
      const id = taken[0]?.id;
      if (id === undefined || this.#storage.knows(id, late)) return { added: 0 };
      const { block, head } = await chainBlock(
        await this.#of(trail),
        await this.#head(trail),
        taken,
        nowMs,
      );
      this.ctx.storage.transactionSync(() => {
        if (this.#storage.trail() === undefined) this.#storage.keepTrail(trail);
        this.#storage.add(block);
      });
      await this.#arm(head, nowMs);
      return { added: taken.length };
    });
    this.#last = appended.catch(() => undefined);
    return appended;
  }

  async page(
    _trail: string,
    filter: AuditFilter,
    limit: number,
    beforeSeq?: number,
  ): Promise<AuditPage> {
    return pageBefore(this.#storage, filter, limit, beforeSeq);
  }

  async verify(trail: string, at?: AuditHead): Promise<AuditPart> {
    return verifyPart(await this.#reading(trail), at);
  }

  async lines(trail: string, afterSeq: number): Promise<AuditLines> {
    return linesBehind(await this.#reading(trail), afterSeq);
  }

  head(trail: string): Promise<AuditHead> {
    return this.#head(trail);
  }

  async destroy(): Promise<void> {
    await this.#last;
    await this.ctx.storage.deleteAlarm();
    await this.ctx.storage.deleteAll();
    this.ctx.abort("its tenant is gone");
  }

  /** Answers that it lives; `/health` asks. */
  ping(): "ok" {
    return "ok";
  }

  /** Never throws: six failures in a row would end an alarm for good. */
  override async alarm(): Promise<void> {
    this.#isArmed = false;
    const trail = this.#storage.trail();
    if (trail === undefined) return;
    const env = await throughSeam(this.env);
    const nowMs = Date.now();
    const sealed = await this.#seal(env, trail, nowMs);
    const more = await this.#age(env, trail, nowMs);
    if (!sealed || more) await this.#setAlarm(nowMs + (sealed ? 1 : AGAIN_MS));
    else await this.#armForAge();
    await flushMetrics(env, nowMs);
  }

  async #of(trail: string): Promise<TrailKey> {
    this.#key ??= trailKey(parseVars(this.env).ID_SECRET, trail);
    return { trail, key: await this.#key };
  }

  async #reading(trail: string) {
    const env = await throughSeam(this.env);
    const of = await this.#of(trail);
    const genesis = await genesisOf(trail);
    return { env, of, genesis, storage: this.#storage };
  }

  async #head(trail: string): Promise<AuditHead> {
    const head = this.#storage.head();
    if (head) return head;
    const floor = this.#storage.floor();
    return floor ? { seq: floor.seq, hash: floor.hash } : genesisOf(trail);
  }

  /** Sealed soon, or within the hour. */
  async #arm({ seq }: AuditHead, nowMs: number): Promise<void> {
    const isDue = seq - this.#storage.sealed() >= AUDIT_SEAL_EVERY;
    if (isDue) await this.#setAlarm(nowMs);
    else if (!this.#isArmed) await this.#armBy(nowMs + AUDIT_SEAL_MS);
  }

  async #armBy(atMs: number): Promise<void> {
    const alarmMs = await this.ctx.storage.getAlarm();
    if (alarmMs === null || alarmMs > atMs) await this.#setAlarm(atMs);
    this.#isArmed = true;
  }

  async #setAlarm(atMs: number): Promise<void> {
    await this.ctx.storage.setAlarm(atMs);
    this.#isArmed = true;
  }

  /** When its oldest entries are old enough. */
  async #armForAge(): Promise<void> {
    const [oldest] = this.#storage.from(0, 1);
    if (oldest) await this.ctx.storage.setAlarm(oldest.appendedMs + AUDIT_HOT_MS);
  }

  async #seal(env: Env, trail: string, nowMs: number): Promise<boolean> {
    const head = await this.#head(trail);
    if (head.seq <= this.#storage.sealed()) return true;
    try {
      const outcome = await putHead(env, await this.#of(trail), head, nowMs);
      if (outcome === "conflict") this.#say("seal_conflict", trail);
      this.#storage.keepSealed(head.seq);
      return true;
    } catch {
      this.#say("unsealed", trail);
      return false;
    }
  }

  /** True where more is to be archived at once. */
  async #age(env: Env, trail: string, nowMs: number): Promise<boolean> {
    for (let n = 0; n < SEGMENTS_PER_ALARM; n++) {
      if (!this.#isOld(nowMs)) return false;
      try {
        const { floor, of } = await this.#floorOf(trail);
        const outcome = await archiveOldest(env, of, this.#storage, floor);
        if (outcome === "archived") continue;
        if (outcome === "conflict") this.#say("archive_conflict", trail);
      } catch {
        this.#say("unarchived", trail);
      }
      return false;
    }
    return true;
  }

  #isOld(nowMs: number): boolean {
    const [oldest] = this.#storage.from(0, 1);
    if (!oldest) return false;
    const entries = (this.#storage.head()?.seq ?? 0) - oldest.first + 1;
    return entries > AUDIT_HOT_ENTRIES || oldest.appendedMs < nowMs - AUDIT_HOT_MS;
  }

  async #floorOf(trail: string): Promise<{ readonly floor: AuditHead; readonly of: TrailKey }> {
    const of = await this.#of(trail);
    const floor = this.#storage.floor();
    if (!floor) return { of, floor: await genesisOf(trail) };
    if (!(await isSealed(of.key, trail, "floor", floor))) throw new Error("the floor is not ours");
    return { of, floor };
  }

  #say(reason: string, trail: string): void {
    count("audit_failures_total", { reason });
    logLine("audit.stalled", { tenant: trail, reason });
  }
}
