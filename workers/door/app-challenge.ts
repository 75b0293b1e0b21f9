/**
 * The challenge Slack sends to an app's one address when it is entered: it names no workspace, so no
 * connection can answer it. Proven by the app's own signing secret; nothing else is taken in that way.
 */
import type { ChannelReceiver } from "../../channels/channel-adapter.ts";
import { readPayload } from "../../channels/slack/payload.ts";
import type { Connection } from "../../schema/connection.ts";
import type { Ack, RawWebhook } from "../../schema/parsed.ts";

export type ChallengeAnswer =
  | { readonly is: "answered"; readonly ack: Ack }
  | { readonly is: "unproven" }
  /** Something else: it needs a connection. */
  | { readonly is: "none" };

/** `signingSecret` empty: no app is configured, nothing is answered. */
export async function answerChallenge(
  receiver: ChannelReceiver,
  raw: RawWebhook,
  signingSecret: string,
  nowMs: number,
): Promise<ChallengeAnswer> {
  if (receiver.channel !== "slack" || signingSecret === "" || !isChallenge(raw)) {
    return { is: "none" };
  }
  const connection = appConnection(signingSecret);
  const verified = await receiver.verify(raw, connection, nowMs);
  if (!verified.ok) return { is: "unproven" };
  const read = receiver.parse(raw, { connection, nowMs });
  return read.ok ? { is: "answered", ack: read.value.ack } : { is: "none" };
}

function isChallenge(raw: RawWebhook): boolean {
  const payload = readPayload(raw);
  return payload.ok && payload.value.is === "json" && payload.value.fields.type === CHALLENGE_TYPE;
}

const CHALLENGE_TYPE = "url_verification";

/** Nobody's connection: it holds the app's secret and matches no workspace. */
function appConnection(signingSecret: string): Connection {
  return { id: "app", tenant: "", channel: "slack", teamId: "", credentials: { signingSecret } };
}
