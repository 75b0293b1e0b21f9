/** Messages that act on one of our own by our id of it: what the platform calls that one is known once it was sent. */
import { databaseFor } from "../../platform/database.ts";
import { findMessage } from "../../platform/repositories/messages.ts";
import { MessageId } from "../../schema/api/messages.ts";
import type { OutboundContent } from "../../schema/outbound.ts";

/** The content with the platform's id. As it was where there is none: no platform knows such a message. */
export async function withOwnTarget(
  env: Env,
  of: { readonly tenant: string; readonly connection: string },
  content: OutboundContent,
): Promise<OutboundContent> {
  if (!("target" in content) || !MessageId.safeParse(content.target).success) return content;
  const row = await findMessage(databaseFor(env, of.tenant), of.tenant, content.target);
  const isHere = row?.connection_id === of.connection && row.direction === "outbound";
  return isHere && row.platform_id ? { ...content, target: row.platform_id } : content;
}
