/**
 * What Slack tells the app, and the side door's `emit`: a person writes, edits, deletes, reacts, uses a
 * command or presses a button. The fields are listed in `simulators/README.md`.
 */
import { randomBytes, randomUUID } from "node:crypto";
import type { Attempt, WebhookRequest } from "../delivery.ts";
import { asRecord, asText, json, type Reply } from "../http.ts";
import { OGG_BYTES, PDF_BYTES, PNG_BYTES } from "../media.ts";
import {
  onceSchedule,
  slackCommand,
  slackEvent,
  slackInteraction,
  slackSchedule,
  slackUrlVerification,
} from "./sender.ts";
import {
  addFile,
  channelOf,
  channelType,
  fileObject,
  findMessage,
  findTeam,
  newTs,
  type SlackMessage,
  type Team,
  type World,
} from "./world.ts";

/** A response_url may be used five times in thirty minutes. Source: Slack interactivity documentation. */
const RESPONSE_URL_LIFE_MS = 30 * 60_000;

type Delivery = Promise<Attempt | undefined>;
type Event = Readonly<Record<string, unknown>>;

/** Sends an event to the app; repeated deliveries of one event share their `eventId`. */
export function sendSlackEvent(world: World, team: Team, event: Event, eventId?: string): Delivery {
  const url = team.urls.events;
  if (url === undefined) return Promise.resolve(undefined);
  const request = slackEvent(team, url, event, eventId === undefined ? {} : { eventId });
  return world.courier.deliver(request, String(event.type), slackSchedule(team.signingSecret));
}

/** A message as its event shows it. */
export function messageEvent(team: Team, channel: string, message: SlackMessage): Event {
  const { reactions: _reactions, metadata: _metadata, ...shown } = message;
  const root = channelOf(team, channel).find(({ ts }) => ts === message.thread_ts);
  return {
    type: "message",
    ...shown,
    team: team.teamId,
    ...(root !== undefined && root !== message && { parent_user_id: root.user }),
    channel,
    event_ts: message.ts,
    channel_type: channelType(channel),
  };
}

/** `POST /_sim/emit`. */
export async function emit(world: World, value: unknown): Promise<Reply> {
  const body = asRecord(value);
  const team = findTeam(world, body.team);
  if (team === undefined) return json({ error: `no team ${asText(body.team)}` }, 404);
  const repeat = Number(body.repeat ?? 1);
  const { ts, deliveries } = act(world, team, body, repeat);
  if (deliveries === undefined)
    return json(
      { error: "expected text, edit, delete, reaction, command, action, event or verify" },
      400,
    );
  if (body.wait !== true) return json({ ok: true, ts: ts ?? null }, 202);
  return json({ ok: true, ts: ts ?? null, deliveries: await Promise.all(deliveries) });
}

interface Acted {
  readonly ts?: string;
  readonly deliveries?: readonly Delivery[];
}

function act(world: World, team: Team, body: Record<string, unknown>, repeat: number): Acted {
  const channel = asText(body.channel) ?? "C0GENERAL";
  const user = asText(body.user) ?? "U0PERSON";
  const sent = (events: readonly Event[]) => sendAll(world, team, events, repeat);
  if (body.verify === true && team.urls.events !== undefined) {
    return once(world, slackUrlVerification(team, team.urls.events, randomUUID()));
  }
  if (body.event !== undefined) return { deliveries: sent([asRecord(body.event)]) };
  if (body.edit !== undefined)
    return { deliveries: sent([edited(world, team, channel, body.edit)]) };
  if (body.delete !== undefined)
    return { deliveries: sent([deleted(world, team, channel, body.delete)]) };
  if (body.reaction !== undefined) {
    return { deliveries: sent([reacted(world, team, channel, user, body.reaction)]) };
  }
  if (body.command !== undefined) return commanded(world, team, channel, user, body);
  if (body.action !== undefined) return pressed(world, team, channel, user, body.action);
  if (body.text === undefined && body.files === undefined) return {};
  return written(world, team, channel, user, body, repeat);
}

function sendAll(world: World, team: Team, events: readonly Event[], repeat: number): Delivery[] {
  return events.flatMap((event) => {
    const eventId = `Ev0${randomBytes(5).toString("hex").toUpperCase()}`;
    return Array.from({ length: repeat }, () => sendSlackEvent(world, team, event, eventId));
  });
}

/** A message; one that names the bot comes as `message` and as `app_mention`, each with its own event id. */
function written(
  world: World,
  team: Team,
  channel: string,
  user: string,
  body: Record<string, unknown>,
  repeat: number,
): Acted {
  const threadTs = asText(body.thread_ts);
  const files = Array.isArray(body.files)
    ? body.files.map((file) => upload(world, team, file))
    : [];
  const text = asText(body.text) ?? "";
  const message: SlackMessage = {
    ts: asText(body.ts) ?? newTs(world),
    user,
    text,
    ...(threadTs !== undefined && { thread_ts: threadTs }),
    ...(files.length > 0 && { files, subtype: "file_share" }),
    reactions: [],
  };
  channelOf(team, channel).push(message);
  const event = {
    ...messageEvent(team, channel, message),
    client_msg_id: asText(body.client_msg_id) ?? randomUUID(),
  };
  const mentions = text.includes(`<@${team.botUserId}>`) && channelType(channel) !== "im";
  const { channel_type: _type, ...rest } = { channel_type: "", ...event };
  const events = mentions ? [event, { ...rest, type: "app_mention" }] : [event];
  return { ts: message.ts, deliveries: sendAll(world, team, events, repeat) };
}

const SAMPLES: Readonly<Record<string, readonly [Buffer, string, string]>> = {
  image: [PNG_BYTES, "image/png", "pixel.png"],
  audio: [OGG_BYTES, "audio/ogg", "voice.ogg"],
  document: [PDF_BYTES, "application/pdf", "document.pdf"],
};

/** `"image"`, or `{kind, name, mimetype, base64, stub}`; a stub is what Slack Connect sends: ask files.info. */
function upload(world: World, team: Team, value: unknown): unknown {
  const wanted = typeof value === "string" ? { kind: value } : asRecord(value);
  const given: Record<string, unknown> = wanted;
  const [bytes, mimetype, name] = SAMPLES[String(given.kind)] ?? [
    PDF_BYTES,
    "application/pdf",
    "document.pdf",
  ];
  const base64 = asText(given.base64);
  const file = addFile(world, {
    team: team.teamId,
    name: asText(given.name) ?? name,
    mimetype: asText(given.mimetype) ?? mimetype,
    bytes: base64 === undefined ? bytes : Buffer.from(base64, "base64"),
  });
  if (given.stub === true)
    return { id: file.id, mode: "file_access", file_access: "check_file_info" };
  return fileObject(world, file);
}

/** `edit: {ts, text}`; without a text it is what Slack sends when a link unfolds: no `edited`. */
function edited(world: World, team: Team, channel: string, value: unknown): Event {
  const { ts, text } = asRecord(value);
  const target = findMessage(team, channel, ts);
  const previous = {
    type: "message",
    user: target?.user,
    text: target?.text,
    ts,
    team: team.teamId,
  };
  const eventTs = newTs(world);
  if (target !== undefined && asText(text) !== undefined) {
    target.text = asText(text) ?? "";
    target.edited = { user: target.user, ts: eventTs };
  }
  const now = { ...previous, text: target?.text, ...(target?.edited && { edited: target.edited }) };
  return {
    type: "message",
    subtype: "message_changed",
    message: now,
    previous_message: previous,
    channel,
    hidden: true,
    ts: eventTs,
    event_ts: eventTs,
    channel_type: channelType(channel),
  };
}

function deleted(world: World, team: Team, channel: string, value: unknown): Event {
  const ts = asText(value) ?? asText(asRecord(value).ts);
  const target = findMessage(team, channel, ts);
  const eventTs = newTs(world);
  return {
    type: "message",
    subtype: "message_deleted",
    previous_message: { type: "message", user: target?.user, text: target?.text, ts },
    channel,
    hidden: true,
    deleted_ts: ts,
    ts: eventTs,
    event_ts: eventTs,
    channel_type: channelType(channel),
  };
}

/** `reaction: {ts, name, remove?}`. */
function reacted(world: World, team: Team, channel: string, user: string, value: unknown): Event {
  const { ts, name, remove } = asRecord(value);
  return {
    type: remove === true ? "reaction_removed" : "reaction_added",
    user,
    reaction: asText(name) ?? "thumbsup",
    item: { type: "message", channel, ts },
    item_user: findMessage(team, channel, ts)?.user ?? team.botUserId,
    event_ts: newTs(world),
  };
}

function commanded(
  world: World,
  team: Team,
  channel: string,
  user: string,
  body: Record<string, unknown>,
): Acted {
  const url = team.urls.commands;
  if (url === undefined) return { deliveries: [] };
  const fields = {
    command: asText(body.command) ?? "/hub",
    text: asText(body.text) ?? "",
    user_id: user,
    user_name: "person",
    channel_id: channel,
    channel_name: "general",
    response_url: newResponseUrl(world, team, channel, "commands"),
  };
  return once(world, slackCommand(team, url, fields));
}

/** `action: {action_id, value, message_ts?}` as a `block_actions` interaction. */
function pressed(world: World, team: Team, channel: string, user: string, value: unknown): Acted {
  const url = team.urls.interactivity;
  if (url === undefined) return { deliveries: [] };
  const { action_id: actionId, value: chosen, message_ts: messageTs } = asRecord(value);
  const actionTs = newTs(world);
  const payload = {
    type: "block_actions",
    user: { id: user, username: "person", name: "person", team_id: team.teamId },
    container: { type: "message", message_ts: messageTs, channel_id: channel, is_ephemeral: false },
    channel: { id: channel, name: "general" },
    message: findMessage(team, channel, messageTs) ?? { type: "message", ts: messageTs },
    state: { values: {} },
    response_url: newResponseUrl(world, team, channel, "actions"),
    actions: [
      { type: "button", block_id: "b1", action_id: actionId, value: chosen, action_ts: actionTs },
    ],
  };
  return once(world, slackInteraction(team, url, payload));
}

function once(world: World, request: WebhookRequest): Acted {
  return { deliveries: [world.courier.deliver(request, "interaction", onceSchedule())] };
}

function newResponseUrl(world: World, team: Team, channel: string, kind: string): string {
  const path = `/${kind}/${team.teamId}/${Date.now()}/${randomBytes(12).toString("hex")}`;
  world.responseUrls.set(path, {
    team,
    channel,
    uses: 0,
    untilMs: Date.now() + RESPONSE_URL_LIFE_MS,
  });
  return world.url + path;
}
