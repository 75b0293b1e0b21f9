/**
 * The idempotency token of one part of one message. With `enforce_nonce` Discord answers a repeated create
 * with the message it already has, for a few minutes and per bot ("Message resource: Create Message").
 */
import { NONCE_CHARS_MAX } from "./facts.ts";

const PREFIX = "msg_";
/** Two digits of base 36 for the part, and a dot. */
const PART_CHARS = 3;

/** At most 25 characters; the same for every attempt at the same part. */
export function nonceOf(messageId: string, part: number): string {
  const bare = messageId.startsWith(PREFIX) ? messageId.slice(PREFIX.length) : messageId;
  const usable = bare.length <= NONCE_CHARS_MAX - PART_CHARS && /^[\w-]+$/.test(bare);
  return `${usable ? bare : digest(messageId)}.${part.toString(36)}`;
}

/** Two FNV-1a hashes with different offsets: 64 bits, for ids that are not ours and too long. */
function digest(text: string): string {
  return `${fnv1a(text, 0x811c9dc5)}-${fnv1a(text, 0x01000193)}`;
}

function fnv1a(text: string, offset: number): string {
  let hash = offset;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return (hash >>> 0).toString(36);
}
