/**
 * The peer on Node: Bolt's own HTTP receiver, which verifies the signature, reads the event and answers. Its
 * handler does nothing. Prints `ready` when it listens.
 */
import { App, HTTPReceiver, LogLevel } from "@slack/bolt";

const receiver = new HTTPReceiver({
  signingSecret: process.env.SIGNING_SECRET ?? "",
  endpoints: [process.env.ENDPOINT ?? "/"],
  logLevel: LogLevel.ERROR,
});
const app = new App({
  receiver,
  logLevel: LogLevel.ERROR,
  authorize: () => Promise.resolve({ botToken: "xoxb-peer", botId: "BPEER", botUserId: "UBOT" }),
});
app.message(async () => undefined);
await app.start({ port: Number(process.env.PORT), host: "127.0.0.1" });
process.stdout.write("ready\n");
