/** API keys and access rules on the wire. */
import * as z from "zod";
import { Id } from "../connection.ts";
import { Scopes } from "../tenant.ts";
import { Instant } from "./instant.ts";

export const CreateApiKey = z.strictObject({
  name: z.string().min(1).max(200),
  scopes: Scopes,
  expiresAt: Instant.optional(),
});

export const ApiKeyView = z
  .strictObject({
    id: z.string(),
    tenant: Id,
    name: z.string(),
    scopes: z.array(z.string()),
    createdAt: z.iso.datetime(),
    expiresAt: z.iso.datetime().nullable(),
    revokedAt: z.iso.datetime().nullable(),
  })
  .meta({ id: "ApiKey" });
export type ApiKeyView = z.infer<typeof ApiKeyView>;

/** The only answer that ever holds the key itself. */
export const CreatedApiKey = ApiKeyView.extend({ key: z.string() }).meta({ id: "CreatedApiKey" });

const ruleMembers = {
  effect: z.enum(["allow", "block"]),
  /** A phone number, user id or other name of a sender; `*` at the end stands for any rest. */
  pattern: z.string().trim().min(1).max(200),
  /** Absent: every connection of the tenant. */
  connection: Id.optional(),
  note: z.string().max(500).optional(),
  expiresAt: Instant.optional(),
};

export const CreateAccessRule = z.strictObject(ruleMembers);
export type CreateAccessRule = z.infer<typeof CreateAccessRule>;

export const AccessRulePatch = z.strictObject({
  effect: ruleMembers.effect.optional(),
  pattern: ruleMembers.pattern.optional(),
  connection: Id.nullable().optional(),
  note: z.string().max(500).nullable().optional(),
  expiresAt: Instant.nullable().optional(),
});
export type AccessRulePatch = z.infer<typeof AccessRulePatch>;

export const AccessRuleView = z
  .strictObject({
    id: z.string(),
    tenant: Id,
    effect: z.enum(["allow", "block"]),
    pattern: z.string(),
    connection: z.string().nullable(),
    note: z.string().nullable(),
    expiresAt: z.iso.datetime().nullable(),
    createdAt: z.iso.datetime(),
  })
  .meta({ id: "AccessRule" });
export type AccessRuleView = z.infer<typeof AccessRuleView>;
