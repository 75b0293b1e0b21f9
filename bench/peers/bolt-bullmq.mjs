/**
 * A peer with the whole stack: Bolt's receiver, told to answer after its listeners, whose one listener makes the
 * message a row and a job. Prints `ready` when it listens.
 */
import { App, HTTPReceiver, LogLevel } from "@slack/bolt";
import { messageOf, startStack } from "./stack.mjs";

const slackApiUrl = `${process.env.SLACK_API}/`;
const token = process.env.BOT_TOKEN ?? "";
const receiver = new HTTPReceiver({
  signingSecret: process.env.SIGNING_SECRET ?? "",
  endpoints: [process.env.ENDPOINT ?? "/"],
  logLevel: LogLevel.ERROR,
  processBeforeResponse: true,
});
const app = new App({
  receiver,
  logLevel: LogLevel.ERROR,
  clientOptions: { slackApiUrl },
  processBeforeResponse: true,
  authorize: () => Promise.resolve({ botToken: token, botId: "BPEER", botUserId: "UBOT" }),
});
const stack = await startStack(async (channel, text) => {
  const { ts } = await app.client.chat.postMessage({ token, channel, text });
  return ts;
});
app.message(async ({ body }) => {
  const message = messageOf(body);
  if (message) await stack.takeIn(message);
});
await app.start({ port: Number(process.env.PORT), host: "127.0.0.1" });
process.stdout.write("ready\n");
