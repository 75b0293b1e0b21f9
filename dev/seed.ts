/** Tenants of a development hub: read from a seed file, and created through the hub's own API. */
import { readFileSync } from "node:fs";
import { SeedFile, seedFaults } from "../schema/seed.ts";
import type { TenantInput } from "../schema/tenant.ts";
import { UsageError } from "./options.ts";

/** Reads and checks a seed file. Throws `UsageError` with one line per fault. */
export function readSeed(path: string): readonly TenantInput[] {
  const parsed = SeedFile.safeParse(readJson(path));
  if (!parsed.success) {
    throw new UsageError(
      [`${path}:`, ...seedFaults(parsed.error).map((fault) => `  ${fault}`)].join("\n"),
    );
  }
  return parsed.data.tenants;
}

function readJson(path: string): unknown {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw new UsageError(`cannot read the seed file: ${String(error)}`);
  }
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new UsageError(`${path}: ${String(error)}`);
  }
}

/**
 * Creates tenants with the operator's key. A tenant that is there already (a hub started again on its
 * state) is left as it is. Throws with the hub's answer when one is refused.
 */
export async function createTenants(
  hub: { readonly url: string; readonly adminKey: string },
  tenants: readonly { readonly id: string }[],
): Promise<void> {
  for (const tenant of tenants) {
    const response = await fetch(`${hub.url}/tenants`, {
      method: "POST",
      headers: {
        authorization: `Bearer ${hub.adminKey}`,
        "content-type": "application/json",
      },
      body: JSON.stringify(tenant),
    });
    const answer = await response.text();
    if (!response.ok && response.status !== 409) {
      throw new Error(`cannot create tenant ${tenant.id}: ${response.status} ${answer}`);
    }
  }
}
