/**
 * The development hub's secrets: made once per state directory and kept there, because a hub that is
 * started again on the same state has to open what it sealed. Never used outside development.
 */
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Values for the secret variables of `schema/vars.ts`. */
export interface HubSecrets {
  readonly ADMIN_API_KEY: string;
  readonly ID_SECRET: string;
  readonly KEK: string;
  readonly MEDIA_SECRET: string;
}

const SECRETS_FILE = "secrets.json";

/** Reads the secrets of `stateDir`, or makes and stores them (mode 0600). Throws when the file is damaged. */
export function loadSecrets(stateDir: string): HubSecrets {
  const path = join(stateDir, SECRETS_FILE);
  if (existsSync(path)) {
    return readSecrets(path);
  }
  const secrets = makeSecrets();
  mkdirSync(stateDir, { recursive: true });
  writeFileSync(path, `${JSON.stringify(secrets, null, 2)}\n`, { mode: 0o600 });
  return secrets;
}

function makeSecrets(): HubSecrets {
  return {
    ADMIN_API_KEY: `dev_${randomBytes(18).toString("base64url")}`,
    ID_SECRET: randomBytes(32).toString("base64url"),
    KEK: `dev1:${randomBytes(32).toString("base64")}`,
    MEDIA_SECRET: randomBytes(32).toString("base64url"),
  };
}

function readSecrets(path: string): HubSecrets {
  const stored = JSON.parse(readFileSync(path, "utf8")) as Partial<HubSecrets>;
  const { ADMIN_API_KEY, ID_SECRET, KEK, MEDIA_SECRET } = stored;
  if (!ADMIN_API_KEY || !ID_SECRET || !KEK || !MEDIA_SECRET) {
    throw new Error(`${path} lacks a secret; remove the state directory to start afresh`);
  }
  return { ADMIN_API_KEY, ID_SECRET, KEK, MEDIA_SECRET };
}
