/**
 * REST routes on an interaction's token: callback, the original answer, follow-ups. A token needs no
 * Authorization and lives fifteen minutes. Tokens made elsewhere are accepted, so that hand-made
 * interactions can be answered too.
 */
import { asRecord, asText, json, type Reply } from "../http.ts";
import { apiError } from "./errors.ts";
import { applyEdit, contentProblem, postedMessage, type RestCall } from "./message-routes.ts";
import { channelOf, type DiscordMessage, type InteractionToken, type World } from "./world.ts";

/** Source: Discord interactions, following up. */
export const TOKEN_LIFE_MS = 15 * 60_000;

/** `POST /interactions/{id}/{token}/callback`. */
export function callback(call: RestCall): Reply {
  const token = tokenOf(call, call.params[1] ?? "");
  if (token === undefined) return apiError(10062);
  if (token.acknowledged) return apiError(40060);
  acknowledge(call, token, call.body);
  return { status: 204 };
}

/** Takes an interaction's first answer, be it a callback or the body of the HTTP response. */
export function acknowledge(
  call: RestCall,
  token: InteractionToken,
  answer: Readonly<Record<string, unknown>>,
): void {
  token.acknowledged = true;
  token.open = true;
  if (answer.type !== 4) return;
  const channel = channelOf(call.world, token.channel);
  const message = postedMessage({ ...call, body: asRecord(answer.data) }, channel);
  channel.messages.push(message);
  token.original = message.id;
}

/** `GET | PATCH | DELETE /webhooks/{application}/{token}/messages/{id or @original}`. */
export function answerMessage(call: RestCall): Reply {
  const [, tokenText = "", id = ""] = call.params;
  const token = tokenOf(call, tokenText);
  if (token === undefined) return apiError(50027);
  if (!token.open) return apiError(10015);
  const channel = channelOf(call.world, token.channel);
  const wanted = id === "@original" ? token.original : id;
  const found = channel.messages.find((message) => message.id === wanted);
  if (call.request.method === "PATCH") return patch(call, token, found, id === "@original");
  if (found === undefined) return apiError(10008);
  if (call.request.method === "GET") return json(found);
  channel.messages.splice(channel.messages.indexOf(found), 1);
  return { status: 204 };
}

/** `POST /webhooks/{application}/{token}`: one more message. */
export function followUp(call: RestCall): Reply {
  const token = tokenOf(call, call.params[1] ?? "");
  if (token === undefined) return apiError(50027);
  if (!token.open) return apiError(10015);
  const problem = contentProblem(call);
  if (problem !== undefined) return problem;
  const channel = channelOf(call.world, token.channel);
  const message = postedMessage(call, channel);
  channel.messages.push(message);
  return json(message);
}

/** Editing the original of a deferred answer is what creates it. */
function patch(
  call: RestCall,
  token: InteractionToken,
  found: DiscordMessage | undefined,
  isOriginal: boolean,
): Reply {
  const problem = contentProblem(call);
  if (problem !== undefined) return problem;
  if (found !== undefined) {
    applyEdit(found, call.body);
    return json(found);
  }
  if (!isOriginal) return apiError(10008);
  const channel = channelOf(call.world, token.channel);
  const message = postedMessage(call, channel);
  channel.messages.push(message);
  token.original = message.id;
  return json(message);
}

function tokenOf(call: RestCall, text: string): InteractionToken | undefined {
  const known = call.world.tokens.get(text);
  if (known !== undefined) return known.untilMs > Date.now() ? known : undefined;
  return remember(call.world, call.bot.applicationId, text);
}

function remember(world: World, applicationId: string, text: string): InteractionToken {
  const token: InteractionToken = {
    applicationId,
    channel: asText(`interaction-${text.slice(0, 24)}`) ?? "",
    untilMs: Date.now() + TOKEN_LIFE_MS,
    acknowledged: false,
    open: true,
    original: undefined,
  };
  world.tokens.set(text, token);
  return token;
}
