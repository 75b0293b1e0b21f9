/**
 * Envelope encryption of everything secret: AES-256-GCM under a data key per tenant, which is stored
 * wrapped by a key-encryption key (`KEK`). A ciphertext opens only for the tenant and kind it was
 * sealed for. Data-key versions are times, so that a tenant deleted and made anew never meets its old keys.
 * Nothing here logs, and no error carries plaintext or key material.
 */
import { HubError } from "../domain/errors.ts";
import {
  formatEnvelope,
  IV_BYTES,
  KEY_BYTES,
  type KekEntry,
  keyContext,
  parseEnvelope,
  parseKeks,
  valueContext,
} from "../domain/security/envelope.ts";

/** A row of `tenant_keys`. */
export interface WrappedKey {
  readonly tenant_id: string;
  readonly version: number;
  readonly kid: string;
  readonly wrapped: string;
}

export interface Vault {
  /** Seals `plain` for one tenant and kind. Makes the tenant's data key on first use. */
  seal(tenant: string, kind: string, plain: string): Promise<string>;
  /** Opens what `seal` made for the same tenant and kind; throws HubError `internal` for anything else. */
  open(tenant: string, kind: string, sealed: string): Promise<string>;
  /** Wraps the tenant's data keys under the newest KEK. `left` counts keys no configured KEK opens. */
  rotate(tenant: string): Promise<{ readonly rewrapped: number; readonly left: number }>;
  /** Takes key rows another query already fetched, so that `open` needs no query of its own. */
  prime(rows: readonly WrappedKey[]): Promise<void>;
  /** Drops a tenant's keys from memory. */
  forget(tenant: string): void;
}

/** Data keys kept in memory, over all tenants. */
const KEYS_MAX = 2000;
const SELECT = "SELECT tenant_id, version, kid, wrapped FROM tenant_keys WHERE tenant_id = ?1";

/** Throws one named error for a malformed `kek` (`kid:base64(32 bytes)`, comma separated; the first seals, all open). */
export function createVault(db: D1Database, kek: string): Vault {
  const parsed = parseKeks(kek);
  if (!parsed.ok) throw new Error(`bad environment: ${parsed.failure.reason}`);
  const ring = keyRing(parsed.value);
  const keys = new Map<string, CryptoKey>();

  async function remember(row: WrappedKey): Promise<CryptoKey> {
    const name = `${row.tenant_id}|${row.version}`;
    const known = keys.get(name);
    if (known) return known;
    const key = await importKey(await ring.unwrap(row));
    if (keys.size >= KEYS_MAX) keys.delete(keys.keys().next().value ?? "");
    keys.set(name, key);
    return key;
  }

  async function keyOf(tenant: string, version: number): Promise<CryptoKey> {
    const known = keys.get(`${tenant}|${version}`);
    if (known) return known;
    const row = await db
      .prepare(`${SELECT} AND version = ?2`)
      .bind(tenant, version)
      .first<WrappedKey>();
    if (!row) throw new HubError("internal", "sealed under a data key that is gone");
    return remember(row);
  }

  /** The newest data key, made if there is none. Always asks the database: sealing under a deleted key would lose the value. */
  async function newest(tenant: string): Promise<{ version: number; key: CryptoKey }> {
    const newestFirst = db.prepare(`${SELECT} ORDER BY version DESC LIMIT 1`).bind(tenant);
    let row = await newestFirst.first<WrappedKey>();
    if (!row) {
      await insertKey(db, await ring.wrap(tenant, Date.now(), randomBytes(KEY_BYTES)));
      row = await newestFirst.first<WrappedKey>();
    }
    if (!row) throw new HubError("internal", "the data key could not be stored");
    return { version: row.version, key: await remember(row) };
  }

  return {
    async seal(tenant, kind, plain) {
      const { version, key } = await newest(tenant);
      const iv = randomBytes(IV_BYTES);
      const context = valueContext(tenant, kind, version);
      const ciphertext = await encrypt(key, iv, context, utf8(plain));
      return formatEnvelope({ version, iv, ciphertext });
    },
    async open(tenant, kind, sealed) {
      const envelope = parseEnvelope(sealed);
      if (!envelope.ok) throw new HubError("internal", "a sealed value is malformed");
      const { version, iv, ciphertext } = envelope.value;
      const key = await keyOf(tenant, version);
      const plain = await decrypt(key, iv, valueContext(tenant, kind, version), ciphertext);
      return new TextDecoder().decode(plain);
    },
    async rotate(tenant) {
      const { results } = await db.prepare(SELECT).bind(tenant).all<WrappedKey>();
      const updates = await Promise.all(results.map((row) => rewrap(db, ring, row)));
      const statements = updates.filter((update) => update !== "current" && update !== "unknown");
      if (statements.length > 0) await db.batch(statements);
      const left = updates.filter((update) => update === "unknown").length;
      return { rewrapped: statements.length, left };
    },
    async prime(rows) {
      // A row no configured KEK opens is no reason to fail here: `open` says so if it is needed.
      await Promise.allSettled(rows.map(remember));
    },
    forget(tenant) {
      for (const name of keys.keys()) if (name.startsWith(`${tenant}|`)) keys.delete(name);
    },
  };
}

interface KeyRing {
  readonly newestKid: string;
  has(kid: string): boolean;
  wrap(tenant: string, version: number, bytes: Uint8Array<ArrayBuffer>): Promise<WrappedKey>;
  unwrap(row: WrappedKey): Promise<Uint8Array<ArrayBuffer>>;
}

function keyRing(entries: readonly [KekEntry, ...KekEntry[]]): KeyRing {
  const imported = new Map<string, CryptoKey>();
  const newestKid = entries[0].kid;

  async function kekOf(kid: string): Promise<CryptoKey> {
    const known = imported.get(kid);
    if (known) return known;
    const entry = entries.find((candidate) => candidate.kid === kid);
    if (!entry) throw new HubError("internal", `no KEK named ${kid} is configured`);
    const key = await importKey(entry.bytes);
    imported.set(kid, key);
    return key;
  }

  return {
    newestKid,
    has: (kid) => entries.some((entry) => entry.kid === kid),
    async wrap(tenant, version, bytes) {
      const iv = randomBytes(IV_BYTES);
      const context = keyContext(tenant, version, newestKid);
      const ciphertext = await encrypt(await kekOf(newestKid), iv, context, bytes);
      const wrapped = formatEnvelope({ version, iv, ciphertext });
      return { tenant_id: tenant, version, kid: newestKid, wrapped };
    },
    async unwrap(row) {
      const envelope = parseEnvelope(row.wrapped);
      if (!envelope.ok) throw new HubError("internal", "a wrapped data key is malformed");
      const context = keyContext(row.tenant_id, row.version, row.kid);
      const { iv, ciphertext } = envelope.value;
      return decrypt(await kekOf(row.kid), iv, context, ciphertext);
    },
  };
}

/** Two isolates may come here at once: only the first row is kept, and both then read it. */
async function insertKey(db: D1Database, row: WrappedKey): Promise<void> {
  await db
    .prepare(
      `INSERT INTO tenant_keys (tenant_id, version, kid, wrapped, created_at)
       SELECT ?1, ?2, ?3, ?4, ?2 WHERE NOT EXISTS (SELECT 1 FROM tenant_keys WHERE tenant_id = ?1)`,
    )
    .bind(row.tenant_id, row.version, row.kid, row.wrapped)
    .run();
}

async function rewrap(
  db: D1Database,
  ring: KeyRing,
  row: WrappedKey,
): Promise<D1PreparedStatement | "current" | "unknown"> {
  if (row.kid === ring.newestKid) return "current";
  if (!ring.has(row.kid)) return "unknown";
  const next = await ring.wrap(row.tenant_id, row.version, await ring.unwrap(row));
  return db
    .prepare("UPDATE tenant_keys SET kid = ?1, wrapped = ?2 WHERE tenant_id = ?3 AND version = ?4")
    .bind(next.kid, next.wrapped, row.tenant_id, row.version);
}

function importKey(bytes: Uint8Array<ArrayBuffer>): Promise<CryptoKey> {
  return crypto.subtle.importKey("raw", bytes, "AES-GCM", false, ["encrypt", "decrypt"]);
}

function utf8(text: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(new TextEncoder().encode(text));
}

function randomBytes(length: number): Uint8Array<ArrayBuffer> {
  return crypto.getRandomValues(new Uint8Array(length));
}

async function encrypt(
  key: CryptoKey,
  iv: Uint8Array<ArrayBuffer>,
  context: Uint8Array<ArrayBuffer>,
  plain: Uint8Array<ArrayBuffer>,
): Promise<Uint8Array<ArrayBuffer>> {
  const algorithm = { name: "AES-GCM", iv, additionalData: context };
  return new Uint8Array(await crypto.subtle.encrypt(algorithm, key, plain));
}

async function decrypt(
  key: CryptoKey,
  iv: Uint8Array<ArrayBuffer>,
  context: Uint8Array<ArrayBuffer>,
  ciphertext: Uint8Array<ArrayBuffer>,
): Promise<Uint8Array<ArrayBuffer>> {
  try {
    const algorithm = { name: "AES-GCM", iv, additionalData: context };
    return new Uint8Array(await crypto.subtle.decrypt(algorithm, key, ciphertext));
  } catch {
    throw new HubError("internal", "a sealed value does not open: other tenant, kind or key");
  }
}
