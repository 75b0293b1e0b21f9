/** What the API says of the audit trail. */
import * as z from "zod";
import { Instant } from "./instant.ts";

const SEQ_MAX = Number.MAX_SAFE_INTEGER;
const ACTORS = ["operator", "key", "channel", "system", "workflow"] as const;
const OUTCOMES = ["ok", "refused", "failed"] as const;

const Seq = z.int().min(0).max(SEQ_MAX);
const Hash = z.string();

const Code = z.string().min(1).max(128);

export const AuditEntryShape = z
  .object({
    v: z.literal(1),
    seq: Seq.describe("From 1, without a gap"),
    id: z.string(),
    at: z.string().describe("When it ended"),
    actor: z.object({ kind: z.enum(ACTORS), id: z.string().optional() }),
    action: z.string().describe("An operation of this document, or a call: `hive.call`, …"),
    target: z.record(z.string(), z.string()).describe("Ids by what they name"),
    outcome: z.enum(OUTCOMES),
    code: z.string().optional(),
    status: z.int().optional(),
    trace: z.string().optional(),
    durationMs: z.int().optional(),
    count: z.int().optional().describe("How many, where one entry stands for several"),
  })
  .meta({ id: "AuditEntry" });

/** Members of the query of a list. */
export const AuditQuery = z.strictObject({
  actor: Code.optional().describe("Id of an API key, a run, …"),
  actorKind: z.enum(ACTORS).optional(),
  action: Code.optional(),
  target: Code.optional().describe("An id that stands anywhere in `target`"),
  outcome: z.enum(OUTCOMES).optional(),
  trace: Code.optional(),
  since: Instant.optional(),
  until: Instant.optional(),
});

export const AuditVerified = z
  .object({
    ok: z.boolean(),
    entries: z.int().describe("Entries that were looked at"),
    head: z.object({ seq: Seq, hash: Hash }).describe("The trail's last entry"),
    sealedHeads: z.int().describe("Heads in R2 that agree"),
    firstBroken: z
      .object({
        seq: Seq,
        reason: z.enum(["missing", "altered", "forged", "cut", "replaced"]),
      })
      .optional(),
    after: z.string().optional().describe("The trail goes on: verify the rest with it"),
  })
  .meta({ id: "AuditVerified" });
