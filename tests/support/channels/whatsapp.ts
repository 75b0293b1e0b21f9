/** WhatsApp connections of a test world, and what its Evolution server was asked to send. */
import type { Call } from "../../../simulators/call-log.ts";
import type { EvolutionVersion } from "../../../simulators/evolution/versions.ts";
import { type ChannelWorld, ECHO, SERIAL, until } from "./world.ts";

type Json = Readonly<Record<string, unknown>>;

/** A connection to the simulated Evolution: every text is echoed, one turn each. */
export function whatsappConnection(id: string, more: Json = {}): Json {
  return {
    id,
    channel: "whatsapp",
    provider: "evolution",
    instance: `${id}-instance`,
    baseUrl: "simulator",
    route: ECHO,
    policy: SERIAL,
    credentials: { apiKey: `token-of-${id}`, webhookSecret: `secret-of-${id}` },
    ...more,
  };
}

/** The account at the platform, its webhook registered as the hub registers it. */
export function openWhatsapp(
  { evolution, hub }: ChannelWorld,
  id: string,
  more: { version?: EvolutionVersion; byEvents?: boolean } = {},
): void {
  const { version, byEvents } = more;
  evolution.register({
    tenant: id,
    instance: `${id}-instance`,
    apiKey: `token-of-${id}`,
    ...(version ? { version } : {}),
    webhook: {
      url: `${hub.url}/webhooks/evolution/${id}`,
      headers: { "x-webhook-secret": `secret-of-${id}` },
      ...(byEvents ? { byEvents } : {}),
    },
  });
}

/** Calls of `/message/…` for one instance, oldest first. */
export function sends({ evolution }: ChannelWorld, id: string, action = ""): readonly Call[] {
  return evolution
    .calls()
    .filter(
      ({ path }) => path.startsWith(`/message/${action}`) && path.endsWith(`/${id}-instance`),
    );
}

/** Texts sent through one instance, in order. */
export function textsSent(world: ChannelWorld, id: string): readonly string[] {
  return sends(world, id, "sendText").map(textOf);
}

/** Version 1 takes the text one level deeper. */
function textOf({ body }: Call): string {
  const { text, textMessage } = body as { text?: string; textMessage?: { text?: string } };
  return text ?? textMessage?.text ?? "";
}

/** Waits until a text went out. */
export function sentText(world: ChannelWorld, id: string, text: string): Promise<Call> {
  return until(`"${text}" sent by ${id}`, () =>
    sends(world, id, "sendText").find((call) => textOf(call) === text),
  );
}
