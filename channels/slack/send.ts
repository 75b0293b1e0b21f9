/**
 * What to ask Slack next for a message: the first step of its plan that has no answer yet. The plan
 * follows from the message alone, so the same answers always give the same request.
 */
import type { Connection, SlackConnection } from "../../schema/connection.ts";
import type { OutboundMessage, OutboundRequest, StepResponse } from "../../schema/outbound.ts";
import {
  apiCall,
  type Post,
  postCall,
  responseUrlCall,
  type SendTarget,
  SLACK_ORIGIN,
} from "./api.ts";
import { addressOf } from "./conversation-key.ts";
import { shortNameOf } from "./emoji.ts";
import { tsOf } from "./fields.ts";
import { cardPosts, textPosts } from "./posts.ts";
import { isResponseUrl } from "./responder.ts";
import type { Step } from "./steps.ts";
import { captionOf, hasUnsendable, uploadable, uploadSteps } from "./uploads.ts";

type Refusal = { readonly refused: string };
type Done = ReadonlyMap<string, StepResponse>;

/** See `ChannelAdapter.next`. Typing has no counterpart in Slack's Web API and is done at once. */
export function nextRequest(
  message: OutboundMessage,
  connection: Connection<SlackConnection>,
  responses: readonly StepResponse[],
): OutboundRequest | "done" | Refusal {
  if (message.content.type === "typing") {
    return "done";
  }
  const done: Done = new Map(responses.map((response) => [response.step, response]));
  const target = sendTargetOf(message, connection, done);
  if ("refused" in target) {
    return target;
  }
  const plan = planOf(message, target, connection.baseUrl, done);
  if ("refused" in plan) {
    return plan;
  }
  const opening = needsChannel(message, target) ? [openStep(target)] : [];
  const next = [...opening, ...plan].find(({ step }) => !done.has(step));
  return next === undefined ? "done" : next.build();
}

/** Where and as whom; a refusal where the conversation or the token is missing. */
export function sendTargetOf(
  message: OutboundMessage,
  connection: Connection<SlackConnection>,
  done: Done = new Map(),
): SendTarget | Refusal {
  const address = addressOf(message.conversationKey);
  const token = connection.credentials.botToken;
  if (address === undefined) {
    return { refused: "unknown_conversation" };
  }
  if (!token) {
    return { refused: "bot_token_missing" };
  }
  const thread = tsOf(message.thread) ?? address.thread;
  return {
    base: (connection.baseUrl ?? SLACK_ORIGIN).replace(/\/$/, ""),
    token,
    channel: done.get("open_dm")?.data?.channel ?? address.channel,
    ...(thread === undefined ? {} : { thread }),
  };
}

/** How many posts a text or card becomes; 0 for everything that is not posted as such. */
export function postCountOf(message: OutboundMessage): number {
  return postsOf(message).length;
}

function planOf(
  message: OutboundMessage,
  target: SendTarget,
  baseUrl: string | undefined,
  done: Done,
): readonly Step[] | Refusal {
  const { content } = message;
  switch (content.type) {
    case "text":
    case "card":
      return atLeastOne(postSteps(message, target, baseUrl, done));
    case "media":
      return hasUnsendable(content)
        ? { refused: "media_size_unknown" }
        : mediaSteps(message, content, target, done);
    case "edit":
      return editSteps(message, content.target, content.text, target);
    case "delete":
      return [
        oneCall(target, "chat.delete", "delete", { channel: target.channel, ts: content.target }),
      ];
    case "reaction":
      return reactionSteps(content.emoji, content.target, content.remove === true, target);
    case "typing":
      return [];
  }
}

function postsOf(message: OutboundMessage): readonly Post[] {
  const { content } = message;
  if (content.type === "text") {
    return textPosts(content.text);
  }
  return content.type === "card" ? cardPosts(content) : [];
}

/** The first post goes through the responder, if there is one; a closed one hands it back to the channel. */
function postSteps(
  message: OutboundMessage,
  target: SendTarget,
  baseUrl: string | undefined,
  done: Done,
): readonly Step[] {
  const url = message.responder?.via === "slack_response_url" ? message.responder.url : undefined;
  const usable = url !== undefined && isResponseUrl(url, baseUrl);
  const closed = done.get("respond:0")?.data?.closed !== undefined;
  return postsOf(message).flatMap((post, part) => {
    const normal = partStep(message, target, post, part);
    if (part > 0 || !usable) {
      return [normal];
    }
    const respond = { step: "respond:0", build: () => responseUrlCall(url, target, post) };
    return closed ? [respond, normal] : [respond];
  });
}

function mediaSteps(
  message: OutboundMessage,
  content: Extract<OutboundMessage["content"], { type: "media" }>,
  target: SendTarget,
  done: Done,
): readonly Step[] | Refusal {
  const files = uploadable(content);
  const posts = textPosts(captionOf(content));
  const parts = posts.map((post, part) => partStep(message, target, post, part));
  return files.length === 0
    ? atLeastOne(parts)
    : [...uploadSteps(files, target, posts[0]?.text, done), ...parts.slice(1)];
}

/**
 * An edit puts the first part into the message and posts what no longer fits below. Blocks that are not named would stay
 * (Slack docs: chat.update), with the old text and its buttons.
 */
function editSteps(
  message: OutboundMessage,
  ts: string,
  text: string,
  target: SendTarget,
): readonly Step[] | Refusal {
  const [first, ...rest] = textPosts(text);
  if (first === undefined) {
    return { refused: "empty_text" };
  }
  const json = { channel: target.channel, ts, text: first.text, blocks: [] };
  const others = rest.map((post, index) => partStep(message, target, post, index + 1));
  return [oneCall(target, "chat.update", "edit", json), ...others];
}

function reactionSteps(
  emoji: string,
  timestamp: string,
  remove: boolean,
  target: SendTarget,
): readonly Step[] | Refusal {
  const name = shortNameOf(emoji);
  if (name === undefined) {
    return { refused: "emoji_unknown" };
  }
  const json = { channel: target.channel, timestamp, name };
  return remove
    ? [oneCall(target, "reactions.remove", "unreact", json)]
    : [oneCall(target, "reactions.add", "react", json)];
}

/** Posts may be addressed to a person; everything else wants the id of the direct conversation. */
function needsChannel(message: OutboundMessage, target: SendTarget): boolean {
  const { type } = message.content;
  const opened = addressOf(message.conversationKey)?.channel !== target.channel;
  return opened || (type !== "text" && type !== "card" && /^[UW]/.test(target.channel));
}

function openStep(target: SendTarget): Step {
  return oneCall(target, "conversations.open", "open_dm", { users: target.channel });
}

function partStep(message: OutboundMessage, target: SendTarget, post: Post, part: number): Step {
  return { step: `part:${part}`, build: () => postCall(target, message, post, part) };
}

/** A call that may be repeated: the same edit, deletion or reaction twice is one. */
function oneCall(
  target: SendTarget,
  method: string,
  step: string,
  json: Readonly<Record<string, unknown>>,
): Step {
  return { step, build: () => apiCall(target, method, step, json, true) };
}

function atLeastOne(steps: readonly Step[]): readonly Step[] | Refusal {
  return steps.length === 0 ? { refused: "empty_text" } : steps;
}
