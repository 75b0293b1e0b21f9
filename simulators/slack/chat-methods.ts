/** chat.*, reactions.* and conversations.* of the Web API. */
import { asText } from "../http.ts";
import { messageEvent, sendSlackEvent } from "./events.ts";
import { type Answer, flag, type Method, type MethodCall, refuse, structured } from "./method.ts";
import { channelOf, findMessage, newTs, type SlackMessage, type Team } from "./world.ts";

/** Longer texts are refused. Source: chat.postMessage, msg_too_long. */
const TEXT_CHARS_MAX = 40_000;
const MARKDOWN_CHARS_MAX = 12_000;
const BLOCKS_MAX = 50;
const HISTORY_LIMIT = 100;

/** Methods by name. */
export const CHAT_METHODS: Readonly<Record<string, Method>> = {
  "chat.postMessage": postMessage,
  "chat.postEphemeral": (call) => {
    const problem = channelProblem(call) ?? contentProblem(call);
    return problem ?? { message_ts: newTs(call.world) };
  },
  "chat.update": updateMessage,
  "chat.delete": deleteMessage,
  "reactions.add": addReaction,
  "reactions.remove": removeReaction,
  "conversations.history": (call) => history(call, () => true),
  "conversations.replies": replies,
  "conversations.open": openConversation,
  "conversations.info": (call) =>
    channelProblem(call) ?? {
      channel: { id: call.args.channel, name: "general", is_member: true },
    },
};

/** Stores a post of the bot, echoes it as an event, and gives it as the answer shows it. */
export function storePost(
  { world, team }: Pick<MethodCall, "world" | "team">,
  channel: string,
  fields: Partial<SlackMessage> & { readonly text: string },
): SlackMessage {
  const message: SlackMessage = {
    user: team.botUserId,
    bot_id: team.botId,
    app_id: team.appId,
    reactions: [],
    ...fields,
    ts: newTs(world),
  };
  channelOf(team, channel).push(message);
  if (world.echo) void sendSlackEvent(world, team, messageEvent(team, channel, message));
  return message;
}

function postMessage(call: MethodCall): Answer {
  const problem = channelProblem(call) ?? contentProblem(call);
  if (problem !== undefined) return problem;
  const { team, args } = call;
  const channel = channelFor(args.channel);
  const blocks = structured(args.blocks);
  const metadata = structured(args.metadata);
  const threadTs = asText(args.thread_ts);
  const message = storePost(call, channel, {
    text: asText(args.text) ?? asText(args.markdown_text) ?? "",
    ...(blocks !== undefined && { blocks }),
    ...(metadata !== undefined && { metadata }),
    ...(threadTs !== undefined && threadTs !== "" && { thread_ts: threadTs }),
  });
  return { channel, ts: message.ts, message: shown(team, message, true) };
}

function updateMessage(call: MethodCall): Answer {
  const problem = channelProblem(call) ?? contentProblem(call);
  if (problem !== undefined) return problem;
  const { world, team, args } = call;
  const channel = channelFor(args.channel);
  const message = findMessage(team, channel, args.ts);
  if (message === undefined) return refuse("message_not_found");
  if (message.user !== team.botUserId) return refuse("cant_update_message");
  message.text = asText(args.text) ?? message.text;
  message.edited = { user: team.botUserId, ts: newTs(world) };
  return { channel, ts: message.ts, text: message.text, message: shown(team, message, true) };
}

function deleteMessage(call: MethodCall): Answer {
  const problem = channelProblem(call);
  if (problem !== undefined) return problem;
  const channel = channelFor(call.args.channel);
  const messages = channelOf(call.team, channel);
  const index = messages.findIndex(({ ts }) => ts === call.args.ts);
  const found = messages[index];
  if (found === undefined) return refuse("message_not_found");
  if (found.user !== call.team.botUserId) return refuse("cant_delete_message");
  messages.splice(index, 1);
  return { channel, ts: found.ts };
}

function addReaction(call: MethodCall): Answer {
  const { target, problem } = reactionTarget(call);
  if (target === undefined) return problem;
  const name = asText(call.args.name);
  if (name === undefined || name === "") return refuse("no_reaction");
  const user = call.team.botUserId;
  const existing = target.reactions.find((reaction) => reaction.name === name);
  if (existing?.users.includes(user) === true) return refuse("already_reacted");
  if (existing === undefined) target.reactions.push({ name, users: [user], count: 1 });
  else {
    existing.users.push(user);
    existing.count += 1;
  }
  return {};
}

function removeReaction(call: MethodCall): Answer {
  const { target, problem } = reactionTarget(call);
  if (target === undefined) return problem;
  const existing = target.reactions.find(({ name }) => name === call.args.name);
  if (existing?.users.includes(call.team.botUserId) !== true) return refuse("no_reaction");
  target.reactions = target.reactions.filter((reaction) => reaction !== existing);
  return {};
}

/** Messages the simulator never saw may be reacted to: people write before it was started. */
function reactionTarget(
  call: MethodCall,
): { target: SlackMessage; problem?: undefined } | { target?: undefined; problem: Answer } {
  const problem = channelProblem(call);
  if (problem !== undefined) return { problem };
  const ts = asText(call.args.timestamp);
  if (ts === undefined || !/^\d+\.\d+$/.test(ts)) return { problem: refuse("bad_timestamp") };
  const channel = channelFor(call.args.channel);
  const known = findMessage(call.team, channel, ts);
  if (known !== undefined) return { target: known };
  const unseen: SlackMessage = { ts, user: "U0PERSON", text: "", reactions: [] };
  channelOf(call.team, channel).unshift(unseen);
  return { target: unseen };
}

function replies(call: MethodCall): Answer {
  const root = asText(call.args.ts);
  const channel = channelFor(call.args.channel);
  if (root !== undefined && findMessage(call.team, channel, root) === undefined) {
    return refuse("thread_not_found");
  }
  return history(call, ({ ts, thread_ts: thread }) => ts === root || thread === root, true);
}

function history(
  call: MethodCall,
  wanted: (message: SlackMessage) => boolean,
  oldestFirst = false,
): Answer {
  const problem = channelProblem(call);
  if (problem !== undefined) return problem;
  const { args, team } = call;
  const limit = Math.min(Number(args.limit ?? HISTORY_LIMIT) || HISTORY_LIMIT, 999);
  const skip = Number(Buffer.from(asText(args.cursor) ?? "", "base64").toString() || 0);
  const inside = channelOf(team, channelFor(args.channel))
    .filter((message) => wanted(message) && isBetween(message.ts, args))
    .toSorted((a, b) => (a.ts < b.ts ? -1 : 1));
  const ordered = oldestFirst ? inside : inside.toReversed();
  const page = ordered.slice(skip, skip + limit);
  const more = ordered.length > skip + limit;
  const cursor = more ? Buffer.from(String(skip + limit)).toString("base64") : "";
  const all = flag(args.include_all_metadata);
  return {
    messages: page.map((message) => shown(team, message, all)),
    has_more: more,
    response_metadata: { next_cursor: cursor },
  };
}

function isBetween(ts: string, args: MethodCall["args"]): boolean {
  const at = Number(ts);
  const oldest = Number(args.oldest ?? 0);
  const latest = args.latest === undefined ? Number.POSITIVE_INFINITY : Number(args.latest);
  return flag(args.inclusive) ? at >= oldest && at <= latest : at > oldest && at < latest;
}

function openConversation({ args }: MethodCall): Answer {
  const channel = asText(args.channel);
  if (channel !== undefined) return { channel: { id: channel } };
  const users = asText(args.users)?.split(",").filter(Boolean) ?? [];
  if (users.length === 0) return refuse("users_list_not_supplied");
  const first = users[0] ?? "";
  if (!/^[UW]/.test(first)) return refuse("user_not_found");
  const id =
    users.length === 1 ? channelFor(first) : `G${users.map((user) => user.slice(1)).join("")}`;
  return { channel: { id }, no_op: false, already_open: false };
}

/** A user's id as the address of a message means the direct conversation with them. */
function channelFor(value: unknown): string {
  const id = asText(value) ?? "";
  return /^[UW]/.test(id) ? `D${id.slice(1)}` : id;
}

function channelProblem({ world, args }: MethodCall): Answer | undefined {
  const channel = asText(args.channel);
  if (channel === undefined || channel === "") return refuse("channel_not_found");
  const error = world.channelErrors.get(channel);
  return error === undefined ? undefined : refuse(error);
}

function contentProblem({ args }: MethodCall): Answer | undefined {
  const text = asText(args.text) ?? "";
  const markdown = asText(args.markdown_text);
  const blocks = structured(args.blocks);
  if (markdown !== undefined && (text !== "" || blocks !== undefined)) {
    return refuse("markdown_text_conflict");
  }
  if (
    text === "" &&
    markdown === undefined &&
    blocks === undefined &&
    args.attachments === undefined
  ) {
    return refuse("no_text");
  }
  if (text.length > TEXT_CHARS_MAX) return refuse("msg_too_long");
  if (markdown !== undefined && markdown.length > MARKDOWN_CHARS_MAX) return refuse("msg_too_long");
  if (args.blocks !== undefined && !Array.isArray(blocks)) return refuse("invalid_blocks_format");
  return Array.isArray(blocks) && blocks.length > BLOCKS_MAX ? refuse("invalid_blocks") : undefined;
}

function shown(team: Team, message: SlackMessage, withMetadata: boolean): Record<string, unknown> {
  const { reactions, metadata, ...rest } = message;
  return {
    type: "message",
    ...rest,
    team: team.teamId,
    ...(reactions.length > 0 && { reactions }),
    ...(withMetadata && metadata !== undefined && { metadata }),
  };
}
