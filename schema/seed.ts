/**
 * The seed file: tenants a development hub starts with (`docs/seed-file.md`). Strict all the way
 * down, so a misspelt key is refused with its path instead of being ignored.
 */
import * as z from "zod";
import { TenantInput } from "./tenant.ts";

export const SeedFile = z.strictObject({
  $schema: z.string().optional(),
  tenants: z.array(TenantInput).min(1).max(1000),
});
export type SeedFile = z.infer<typeof SeedFile>;

/** JSON Schema (draft 2020-12) of the seed file as it is written, defaults optional. */
export function seedJsonSchema(): Record<string, unknown> {
  return z.toJSONSchema(SeedFile, { io: "input" }) as Record<string, unknown>;
}

/** One line per fault, `tenants.0.connections.1.chanel: …`, for a command line. */
export function seedFaults(error: z.ZodError): string[] {
  return error.issues.flatMap((issue) => {
    const at = issue.path.map(String);
    if (issue.code !== "unrecognized_keys")
      return [`${at.join(".") || "(file)"}: ${issue.message}`];
    return issue.keys.map((key) => `${[...at, key].join(".")}: unknown key`);
  });
}
