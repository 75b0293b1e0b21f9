/** Tasks of a test world: a workflow that asks, its runs, and presses as the platforms sign and send them, any number of times. */
import { randomUUID } from "node:crypto";
import type { WebhookRequest } from "../../../simulators/delivery.ts";
import { discordInteraction } from "../../../simulators/discord/sender.ts";
import { slackInteraction } from "../../../simulators/slack/sender.ts";
import type { Json } from "../channels/api.ts";
import { applicationOf, seedOf } from "../channels/discord.ts";
import { teamOf } from "../channels/slack.ts";
import { type ChannelWorld, until } from "../channels/world.ts";

/** Other work on the machine must not fail a test, ms. */
export const TASK_WITHIN_MS = 60_000;

/** Stores a workflow `id` that asks once, and keeps the answer in its output. */
export async function deployAsking(
  world: ChannelWorld,
  tenant: string,
  id: string,
  ask: Json,
): Promise<void> {
  const answer = await world.api(tenant).post("/workflows", {
    ...{ id, version: "1.0.0", name: id },
    steps: [
      { id: "ask", type: "approval", title: "Ship it?", next: "done", onReject: "no", ...ask },
      { id: "done", type: "set", values: { said: "{{ steps.ask.output.choice }}" } },
      { id: "no", type: "set", values: { said: "rejected" } },
    ],
  });
  if (answer.status !== 201) throw new Error(JSON.stringify(answer));
}

export async function startAsking(
  world: ChannelWorld,
  tenant: string,
  id: string,
): Promise<string> {
  const answer = await world.api(tenant).post(`/workflows/${id}/runs`, { input: {} });
  if (answer.status !== 202) throw new Error(JSON.stringify(answer));
  return String(answer.body.run);
}

/** The one task of a run, once it is what `is` wants. */
export function taskIn(
  world: ChannelWorld,
  tenant: string,
  run: string,
  is: (task: Json) => boolean = () => true,
): Promise<Json> {
  return until(
    `the task of ${run}`,
    async () => {
      const [task] = await world
        .api(tenant)
        .items(`/tasks?run=${run}`)
        .catch(() => []);
      return task && is(task) ? task : undefined;
    },
    TASK_WITHIN_MS,
  );
}

export function taskPath(task: Json): string {
  return `/tasks/${encodeURIComponent(String(task.id))}`;
}

export function runStatus(world: ChannelWorld, tenant: string, run: string, status: string) {
  return until(
    `${run} ${status}`,
    async () => {
      const { body } = await world.api(tenant).get(`/runs/${run}`);
      return body.status === status ? body : undefined;
    },
    TASK_WITHIN_MS,
  );
}

/** How often the run's trail says so. */
export async function audited(world: ChannelWorld, tenant: string, run: string, what: string) {
  const items = await world.api(tenant).items<{ what: string }>(`/runs/${run}/audit?limit=200`);
  return items.filter((one) => one.what === what).length;
}

/** A press of a Slack button; sending the request again is the same press again. */
export function slackPress(
  world: ChannelWorld,
  id: string,
  press: {
    readonly button: string;
    readonly channel: string;
    readonly user: string;
    readonly ts: string;
  },
): WebhookRequest {
  const app = {
    teamId: teamOf(id),
    appId: teamOf(id).replace("T", "A"),
    botUserId: "UBOT",
    signingSecret: `signing-secret-of-${id}`,
  };
  const actionTs = `${(Date.now() / 1000).toFixed(6)}`;
  return slackInteraction(app as never, `${world.hub.url}/webhooks/slack/${id}`, {
    type: "block_actions",
    user: { id: press.user, username: "person", name: "person", team_id: teamOf(id) },
    container: { type: "message", message_ts: press.ts, channel_id: press.channel },
    channel: { id: press.channel, name: "general" },
    message: { type: "message", ts: press.ts },
    state: { values: {} },
    actions: [
      {
        type: "button",
        block_id: "b1",
        action_id: press.button,
        value: press.button,
        action_ts: actionTs,
      },
    ],
  });
}

/** A press of a Discord button. */
export function discordPress(
  world: ChannelWorld,
  id: string,
  n: number,
  press: {
    readonly button: string;
    readonly channel: string;
    readonly user: string;
    readonly message: string;
  },
): WebhookRequest {
  const snowflake = String(
    (BigInt(Date.now() - 1_420_070_400_000) << 22n) + BigInt(Math.floor(Math.random() * 4096)),
  );
  return discordInteraction(seedOf(n), `${world.hub.url}/webhooks/discord/${id}`, {
    ...{ id: snowflake, application_id: applicationOf(n), token: randomUUID(), type: 3 },
    ...{ channel_id: press.channel, channel: { id: press.channel, type: 0 }, guild_id: "1" },
    member: {
      user: { id: press.user, username: "person", discriminator: "0" },
      roles: [],
      permissions: "0",
    },
    data: { component_type: 2, custom_id: press.button },
    message: {
      id: press.message,
      channel_id: press.channel,
      content: "",
      author: { id: applicationOf(n), username: "bot" },
    },
  });
}

/** Delivers a signed request; its status. */
export async function deliver({ url, method, headers, body }: WebhookRequest): Promise<number> {
  const response = await fetch(url, { method, headers: { ...headers }, body });
  await response.arrayBuffer();
  return response.status;
}
