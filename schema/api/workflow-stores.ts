/** Wire shapes of what a tenant keeps for its workflows: secrets, which are never read, and data. */
import * as z from "zod";
import { Id } from "../connection.ts";

/** Longest key of data, in characters (`platform/repositories/tenant-data.ts`). */
const KEY_CHARS_MAX = 256;
/** Longest value of a secret, in characters (`platform/repositories/tenant-secrets.ts`). */
const SECRET_CHARS_MAX = 8192;

export const PutSecret = z.strictObject({
  tenant: Id.optional(),
  value: z.string().min(1).max(SECRET_CHARS_MAX),
});

export const SecretList = z.object({
  items: z.array(z.object({ name: z.string(), updated_at: z.iso.datetime() })),
});

/** Letters, digits and `_ . : / @ + -`; begins with a letter or digit. */
export const DataKey = z
  .string()
  .max(KEY_CHARS_MAX)
  .regex(/^[A-Za-z0-9][A-Za-z0-9_.:/@+-]*$/);

/** Any JSON; a member of its own, so that `null` can be kept too. */
export const PutData = z
  .strictObject({ tenant: Id.optional(), value: z.unknown() })
  .refine(({ value }) => value !== undefined, { path: ["value"], error: "is missing" });

export const TenantDataView = z.object({
  key: z.string(),
  value: z.unknown(),
  /** Rises with every change; also the ETag. */
  revision: z.int(),
  updated_at: z.iso.datetime(),
});
