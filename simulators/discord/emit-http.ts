/** The part of Discord's `emit` that is signed HTTP: commands, buttons, pings, Webhook Events. */
import { randomBytes } from "node:crypto";
import type { Attempt, WebhookRequest } from "../delivery.ts";
import { asRecord } from "../http.ts";
import type { Gateway } from "./gateway.ts";
import { acknowledge, TOKEN_LIFE_MS } from "./interaction-routes.ts";
import { guildOf } from "./message-routes.ts";
import { restCall } from "./rest.ts";
import { discordInteraction, discordPing, discordSchedule, discordWebhookEvent } from "./sender.ts";
import {
  type Bot,
  botUser,
  type Channel,
  type DiscordMessage,
  snowflake,
  type World,
} from "./world.ts";

/** Who acts where. */
export interface Scene {
  readonly world: World;
  readonly gateway: Gateway;
  readonly bot: Bot;
  readonly channel: Channel;
  readonly user: DiscordMessage["author"];
  readonly body: Readonly<Record<string, unknown>>;
}

/** Signed HTTP: command, button, ping (also "forged"), Webhook Event. */
export function overHttp(scene: Scene): [string, Promise<Attempt | undefined>] | undefined {
  const { world, bot, body } = scene;
  if (body.command !== undefined) {
    const given =
      typeof body.command === "string" ? { name: body.command } : asRecord(body.command);
    return interact(scene, { type: 2, data: { id: snowflake(world), type: 1, ...given } });
  }
  if (body.button !== undefined) return press(scene);
  if (body.modal !== undefined) return submit(scene);
  const { interactions, events } = bot.urls;
  if (body.ping !== undefined && interactions !== undefined) {
    const request = discordPing(
      bot.seedHex,
      interactions,
      bot.applicationId,
      body.ping === "forged",
    );
    return ["ping", deliver(scene, request, "interaction")];
  }
  if (body.event === undefined || events === undefined) return undefined;
  const { type, data } = asRecord(body.event);
  const event = type === undefined ? undefined : { type: String(type), data };
  const request = discordWebhookEvent(bot.seedHex, events, bot.applicationId, event);
  return ["event", deliver(scene, request, "event")];
}

/** `modal: {custom_id, values: {<input>: <text>}}`: a form is sent in. */
function submit(scene: Scene): [string, Promise<Attempt | undefined>] {
  const { custom_id: customId, values } = asRecord(scene.body.modal);
  const components = Object.entries(asRecord(values)).map(([id, value]) => ({
    type: 1,
    components: [{ type: 4, custom_id: id, value }],
  }));
  return interact(scene, { type: 5, data: { custom_id: customId, components } });
}

/** `button: {custom_id, message_id?, values?}`; with values it is a select menu. */
function press(scene: Scene): [string, Promise<Attempt | undefined>] {
  const { custom_id: customId, message_id: id, values } = asRecord(scene.body.button);
  const message = scene.channel.messages.find((known) => known.id === id);
  const select = Array.isArray(values);
  return interact(scene, {
    type: 3,
    data: { component_type: select ? 3 : 2, custom_id: customId, ...(select && { values }) },
    message: message ?? {
      id,
      channel_id: scene.channel.id,
      content: "",
      author: botUser(scene.bot),
    },
  });
}

function interact(
  scene: Scene,
  fields: Readonly<Record<string, unknown>>,
): [string, Promise<Attempt | undefined>] {
  const { world, bot, channel, user } = scene;
  const url = bot.urls.interactions;
  const id = snowflake(world);
  if (url === undefined) return [id, Promise.resolve(undefined)];
  const token = randomBytes(48).toString("base64url");
  const known = {
    applicationId: bot.applicationId,
    channel: channel.id,
    untilMs: Date.now() + TOKEN_LIFE_MS,
    acknowledged: false,
    open: false,
    original: undefined,
  };
  world.tokens.set(token, known);
  const request = discordInteraction(bot.seedHex, url, {
    id,
    application_id: bot.applicationId,
    token,
    channel_id: channel.id,
    channel: { id: channel.id, type: channel.type, ...guildOf(channel) },
    locale: "en-US",
    entitlements: [],
    authorizing_integration_owners: {},
    app_permissions: "562949953601536",
    ...guildOf(channel),
    ...(channel.guildId === undefined
      ? { user }
      : { member: { user, roles: [], permissions: "0" } }),
    ...fields,
  });
  return [
    id,
    deliver(scene, request, "interaction").then((last) => takeAnswer(scene, token, last)),
  ];
}

function takeAnswer(scene: Scene, tokenText: string, last: Attempt): Attempt {
  const token = scene.world.tokens.get(tokenText);
  if (token === undefined || last.status !== 200) return last;
  try {
    const answer = asRecord(JSON.parse(last.answer ?? ""));
    const lateMs = Number(scene.body.lateMs ?? 0);
    if (lateMs > 0) setTimeout(() => acknowledge(httpCall(scene), token, answer), lateMs).unref();
    else acknowledge(httpCall(scene), token, answer);
  } catch {
    // An answer that is no JSON acknowledges nothing.
  }
  return last;
}

function httpCall({ world, gateway, bot }: Scene) {
  const request = {
    method: "POST",
    path: "",
    query: new URLSearchParams(),
    headers: {},
    raw: Buffer.alloc(0),
    body: {},
    files: [],
  };
  return restCall(world, gateway, bot, [], request);
}

function deliver(
  scene: Scene,
  request: WebhookRequest,
  kind: "interaction" | "event",
): Promise<Attempt> {
  return scene.world.courier.deliver(request, kind, discordSchedule(kind));
}
