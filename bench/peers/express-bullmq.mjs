/**
 * A peer with the whole stack: Express checks Slack's signature over the raw body, the message becomes a row and a
 * job, and only then is the answer 200. Prints `ready` when it listens.
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import express from "express";
import { messageOf, startStack } from "./stack.mjs";

const SKEW_SECONDS_MAX = 300;
const secret = process.env.SIGNING_SECRET ?? "";

const stack = await startStack(async (channel, text) => {
  const answer = await fetch(`${process.env.SLACK_API}/chat.postMessage`, {
    method: "POST",
    headers: {
      "content-type": "application/json; charset=utf-8",
      authorization: `Bearer ${process.env.BOT_TOKEN}`,
    },
    body: JSON.stringify({ channel, text }),
  });
  const { ok, ts, error } = await answer.json();
  if (!ok) throw new Error(error);
  return ts;
});

const app = express();
app.post(process.env.ENDPOINT ?? "/", express.raw({ type: "*/*" }), async (request, response) => {
  if (!isSigned(request)) return response.sendStatus(401);
  const message = messageOf(JSON.parse(request.body.toString("utf8")));
  if (message) await stack.takeIn(message);
  return response.sendStatus(200);
});
app.listen(Number(process.env.PORT), "127.0.0.1", () => process.stdout.write("ready\n"));

function isSigned(request) {
  const stamp = request.get("x-slack-request-timestamp") ?? "";
  if (!(Math.abs(Date.now() / 1000 - Number(stamp)) <= SKEW_SECONDS_MAX)) return false;
  const mac = createHmac("sha256", secret).update(`v0:${stamp}:`).update(request.body);
  const wanted = Buffer.from(`v0=${mac.digest("hex")}`);
  const given = Buffer.from(request.get("x-slack-signature") ?? "");
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}
