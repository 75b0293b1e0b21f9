/**
 * Opaque conversation ids: a keyed hash of tenant, connection and the platform's address, so that a phone
 * number can stand in no queue token, log line or object name, and cannot be guessed back from the id.
 */
const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";
const ID_CHARS = 26;
const CACHE_MAX = 10_000;

export interface ConversationIds {
  /** `cnv_` + 26 characters: the same for ever for the same three. */
  of(tenant: string, connection: string, conversationKey: string): Promise<string>;
}

/** One per isolate. `secret` must never change: a new one splits every conversation in two. */
export function createConversationIds(secret: string): ConversationIds {
  const known = new Map<string, string>();
  let key: Promise<CryptoKey> | undefined;
  return {
    async of(tenant, connection, conversationKey) {
      const text = JSON.stringify([tenant, connection, conversationKey]);
      const cached = known.get(text);
      if (cached) return cached;
      key ??= importKey(secret);
      const mac = await crypto.subtle.sign("HMAC", await key, new TextEncoder().encode(text));
      const id = `cnv_${base32(new Uint8Array(mac))}`;
      if (known.size >= CACHE_MAX) known.delete(known.keys().next().value ?? "");
      known.set(text, id);
      return id;
    },
  };
}

/** The name of a conversation's object: tenant first, so that no id of one tenant can name another's. */
export function conversationName(tenant: string, conversation: string): string {
  return `${tenant}:${conversation}`;
}

function importKey(secret: string): Promise<CryptoKey> {
  const bytes = new TextEncoder().encode(secret);
  return crypto.subtle.importKey("raw", bytes, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
}

function base32(bytes: Uint8Array): string {
  let text = "";
  let bits = 0;
  let held = 0;
  for (const byte of bytes) {
    held = (held << 8) | byte;
    bits += 8;
    while (bits >= 5 && text.length < ID_CHARS) {
      bits -= 5;
      text += ALPHABET[(held >> bits) & 31];
    }
    held &= (1 << bits) - 1;
  }
  return text;
}
