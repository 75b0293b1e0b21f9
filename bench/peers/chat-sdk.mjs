/**
 * The peer on this platform: Chat SDK with its Slack adapter and its memory state. It verifies the signature
 * and answers; what it makes of the message runs afterwards and is stored nowhere. JavaScript, so that the
 * hub's type check does not need the peers installed.
 */
import { createSlackAdapter } from "@chat-adapter/slack";
import { createMemoryState } from "@chat-adapter/state-memory";
import { Chat } from "chat";

let handled = 0;
let handler;

// biome-ignore lint/style/noDefaultExport: a Worker module is its default export
export default {
  fetch(request, env, context) {
    if (request.method === "GET") {
      return Response.json({ handled });
    }
    handler ??= createHandler(env.SIGNING_SECRET);
    return handler(request, { waitUntil: (work) => context.waitUntil(work) });
  },
};

/** `concurrent` handles every message and asks the state least often: the cheapest it offers. */
function createHandler(signingSecret) {
  const chat = new Chat({
    userName: "bot",
    adapters: {
      slack: createSlackAdapter({ signingSecret, botToken: "xoxb-peer", botUserId: "UBOT" }),
    },
    state: createMemoryState(),
    logger: "silent",
    concurrency: "concurrent",
  });
  chat.onDirectMessage(() => {
    handled += 1;
  });
  return chat.webhooks.slack;
}
