/** The simulators of a development hub, and the accounts its tenants have there. */

import type {
  DiscordConnection,
  SlackConnection,
  WhatsappConnection,
} from "../schema/connection.ts";
import type { TenantInput } from "../schema/tenant.ts";
import { type EvolutionSimulator, startEvolution } from "../simulators/evolution/simulator.ts";
import type { Simulator } from "../simulators/simulator.ts";
import { type SlackSimulator, startSlack } from "../simulators/slack/simulator.ts";
import type { SimulatorOrigins } from "./runtime.ts";

export interface DevSimulators {
  readonly origins: SimulatorOrigins;
  readonly all: readonly Simulator[];
  /** Opens an account for every connection that says "simulator", with its webhooks going to the hub. */
  open(tenants: readonly TenantInput[], hubUrl: string): void;
  stop(): Promise<void>;
}

/** Starts every simulator on a free port. `quiet`: they answer, and send nothing by themselves. */
export async function startSimulators(
  options: { readonly quiet?: boolean } = {},
): Promise<DevSimulators> {
  const evolution = await startEvolution({ emitSends: !options.quiet });
  const slack = await startSlack({ echo: !options.quiet });
  const all = [evolution, slack];
  return {
    origins: { evolution: evolution.url, slack: slack.url },
    all,
    open: (tenants, hubUrl) => {
      for (const tenant of tenants) {
        for (const connection of tenant.connections) {
          if (connection.baseUrl === "simulator") {
            openAccount({ evolution, slack }, tenant.id, connection, hubUrl);
          }
        }
      }
    },
    stop: async () => {
      await Promise.all(all.map((simulator) => simulator.stop()));
    },
  };
}

interface Platforms {
  readonly evolution: EvolutionSimulator;
  readonly slack: SlackSimulator;
}

function openAccount(
  platforms: Platforms,
  tenant: string,
  connection: TenantInput["connections"][number],
  hubUrl: string,
): void {
  switch (connection.channel) {
    case "whatsapp":
      openEvolution(platforms.evolution, tenant, connection, hubUrl);
      return;
    case "slack":
      openSlack(platforms.slack, tenant, connection, hubUrl);
      return;
    case "discord":
      openDiscord(tenant, connection, hubUrl);
  }
}

function openEvolution(
  evolution: EvolutionSimulator,
  tenant: string,
  connection: WhatsappConnection,
  hubUrl: string,
): void {
  const { apiKey, webhookSecret, jwtKey } = connection.credentials;
  evolution.register({
    tenant,
    instance: connection.instance,
    apiKey,
    webhook: {
      url: `${hubUrl}/webhooks/evolution/${connection.id}`,
      headers: {
        ...(webhookSecret !== undefined && { "x-webhook-secret": webhookSecret }),
        ...(jwtKey !== undefined && { jwt_key: jwtKey }),
      },
    },
  });
}

function openSlack(
  slack: SlackSimulator,
  tenant: string,
  connection: SlackConnection,
  hubUrl: string,
): void {
  const { signingSecret, botToken } = connection.credentials;
  slack.register({
    tenant,
    team: connection.teamId,
    ...(connection.appId !== undefined && { appId: connection.appId }),
    ...(connection.botUserId !== undefined && { botUserId: connection.botUserId }),
    ...(botToken !== undefined && { botToken }),
    signingSecret,
    eventsUrl: `${hubUrl}/webhooks/slack/${connection.id}`,
  });
}

function openDiscord(_tenant: string, _connection: DiscordConnection, _hubUrl: string): void {}
