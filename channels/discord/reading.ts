/** Builds what `parse` returns: an acknowledgement with what was read, or with what was not acted upon. */
import type { WebhookReading } from "../../schema/parsed.ts";

/** A reading with the given parts; nothing read and a bare 200 otherwise. */
export function reading(parts: Partial<WebhookReading>): WebhookReading {
  return {
    ack: parts.ack ?? { status: 200 },
    messages: parts.messages ?? [],
    statuses: parts.statuses ?? [],
    ignored: parts.ignored ?? [],
    ...(parts.connection && { connection: parts.connection }),
  };
}

/** Nothing to act upon; `type` is Discord's name for it or a reason, never content. */
export function ignored(type: string, ack?: WebhookReading["ack"]): WebhookReading {
  return reading({ ignored: [{ type }], ...(ack && { ack }) });
}
