/** Slack connections of a test world, and what its workspaces were told. */
import type { Call } from "../../../simulators/call-log.ts";
import { type ChannelWorld, ECHO, SERIAL, until } from "./world.ts";

type Json = Readonly<Record<string, unknown>>;

/** A connection to the workspace `T<ID>`: every text is echoed, one turn each. */
export function slackConnection(id: string, more: Json = {}): Json {
  return {
    id,
    channel: "slack",
    baseUrl: "simulator",
    route: ECHO,
    policy: SERIAL,
    teamId: teamOf(id),
    appId: `A${upper(id)}`,
    botUserId: `U${upper(id)}BOT`,
    credentials: { signingSecret: `signing-secret-of-${id}`, botToken: `xoxb-${id}` },
    ...more,
  };
}

/** The workspace with our app in it; everything goes to the connection's own address. */
export function openSlack({ slack, hub }: ChannelWorld, id: string): void {
  slack.register({
    tenant: id,
    team: teamOf(id),
    appId: `A${upper(id)}`,
    botUserId: `U${upper(id)}BOT`,
    botToken: `xoxb-${id}`,
    signingSecret: `signing-secret-of-${id}`,
    eventsUrl: `${hub.url}/webhooks/slack/${id}`,
  });
}

export function teamOf(id: string): string {
  return `T${upper(id)}`;
}

function upper(id: string): string {
  return id.toUpperCase().replaceAll(/[^A-Z0-9]/g, "");
}

/** Calls of one Web API method in one channel, oldest first. */
export function slackCalls(
  { slack }: ChannelWorld,
  method: string,
  channel?: string,
): readonly Call[] {
  return slack
    .calls()
    .filter(
      ({ path, body }) =>
        path === `/api/${method}` && (channel === undefined || (body as Json).channel === channel),
    );
}

export function postedTexts(world: ChannelWorld, channel: string): readonly string[] {
  return slackCalls(world, "chat.postMessage", channel).map(({ body }) =>
    String((body as Json).text),
  );
}

/** Waits until a text was posted. */
export function posted(world: ChannelWorld, channel: string, text: string): Promise<Call> {
  return until(`"${text}" posted to ${channel}`, () =>
    slackCalls(world, "chat.postMessage", channel).find(({ body }) => (body as Json).text === text),
  );
}
