/** Who is who in a Discord payload: senders, and whether an account is this connection's own bot. */
import type { DiscordConnection } from "../../schema/connection.ts";
import type { Sender } from "../../schema/message.ts";
import { wellFormed } from "../shared/text.ts";
import type { Member, User } from "./shapes.ts";

type Own = Pick<DiscordConnection, "applicationId" | "botUserId">;

/** The account of this connection's bot. Newer applications share one id with their bot user. */
export function isOwn(id: string | null | undefined, connection: Own): boolean {
  return id != null && (id === connection.botUserId || id === connection.applicationId);
}

/** The display name of the place (nick), else of the account; the user name is an alias. */
export function senderOf(user: User, member?: Member | null): Sender {
  const name = member?.nick || user.global_name || user.username;
  return {
    id: user.id,
    aliases: user.username ? [wellFormed(user.username)] : [],
    ...(name && { name: wellFormed(name) }),
  };
}
