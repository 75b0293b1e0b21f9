/** The simulators of a development hub, and the accounts its tenants have there. */

import type { KeyObject } from "node:crypto";
import type {
  ConnectionInput,
  DiscordConnection,
  SlackConnection,
  WhatsappConnection,
} from "../schema/connection.ts";
import type { Route } from "../schema/route.ts";
import type { TenantInput } from "../schema/tenant.ts";
import { type Simulators, startAll } from "../simulators/all.ts";
import type { DiscordSimulator } from "../simulators/discord/simulator.ts";
import type { EvolutionSimulator } from "../simulators/evolution/simulator.ts";
import type { HiveSimulator } from "../simulators/hive/simulator.ts";
import type { Simulator } from "../simulators/simulator.ts";
import type { SlackSimulator } from "../simulators/slack/simulator.ts";
import type { SimulatorOrigins } from "./runtime.ts";
import type { WebhookSource } from "./webhooks.ts";

export interface DevSimulators {
  readonly origins: Required<SimulatorOrigins>;
  /** Where replies end: every channel's platform. */
  readonly platforms: readonly Simulator[];
  readonly hive: Simulator;
  /**
   * Opens an account for every connection and route that says "simulator", with the webhooks going to the hub.
   * What a connection does not say (Discord's private key) comes from its source, where there is one.
   */
  open(tenants: readonly TenantInput[], hubUrl: string, sources?: readonly WebhookSource[]): void;
  stop(): Promise<void>;
}

/** Starts every simulator on a free port. `quiet`: they answer, and send nothing by themselves. */
export async function startSimulators(
  options: { readonly quiet?: boolean } = {},
): Promise<DevSimulators> {
  const simulators = await startAll({
    evolution: { emitSends: !options.quiet },
    slack: { echo: !options.quiet },
  });
  const { evolution, slack, discord, hive } = simulators;
  return {
    origins: {
      evolution: evolution.url,
      slack: slack.url,
      discord: discord.url,
      hive: hive.url,
    },
    platforms: [evolution, slack, discord],
    hive,
    open: (tenants, hubUrl, sources = []) => {
      for (const tenant of tenants) {
        for (const connection of tenant.connections) {
          const source = sources.find((one) => one.connection === connection.id);
          if (connection.baseUrl === "simulator") {
            openAccount(simulators, { tenant: tenant.id, connection, source, hubUrl });
          }
          openHive(hive, tenant.id, connection.route);
        }
        openHive(hive, tenant.id, tenant.config.route);
      }
    },
    stop: () => simulators.stop(),
  };
}

function openHive(hive: HiveSimulator, tenant: string, route: Route | undefined): void {
  if (route?.kind === "hive" && route.baseUrl === "simulator" && route.apiKey !== undefined) {
    hive.register({ tenant, apiKey: route.apiKey });
  }
}

type Platforms = Pick<Simulators, "evolution" | "slack" | "discord">;

interface Account<C> {
  readonly tenant: string;
  readonly connection: C;
  readonly source: WebhookSource | undefined;
  readonly hubUrl: string;
}

function openAccount(platforms: Platforms, account: Account<ConnectionInput>): void {
  const { connection } = account;
  switch (connection.channel) {
    case "whatsapp":
      openEvolution(platforms.evolution, { ...account, connection });
      return;
    case "slack":
      openSlack(platforms.slack, { ...account, connection });
      return;
    case "discord":
      openDiscord(platforms.discord, { ...account, connection });
  }
}

function openEvolution(evolution: EvolutionSimulator, account: Account<WhatsappConnection>): void {
  const { tenant, connection, hubUrl } = account;
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

function openSlack(slack: SlackSimulator, account: Account<SlackConnection>): void {
  const { tenant, connection, hubUrl } = account;
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

function openDiscord(discord: DiscordSimulator, account: Account<DiscordConnection>): void {
  const { tenant, connection, source, hubUrl } = account;
  const { botToken } = connection.credentials;
  const url = `${hubUrl}/webhooks/discord/${connection.id}`;
  discord.register({
    tenant,
    applicationId: connection.applicationId,
    ...(botToken !== undefined && { botToken }),
    ...(connection.botUserId !== undefined && { botUserId: connection.botUserId }),
    ...(source?.channel === "discord" && { seedHex: seedHexOf(source.privateKey) }),
    interactionsUrl: url,
    eventsUrl: url,
  });
}

function seedHexOf(privateKey: KeyObject): string {
  return Buffer.from(privateKey.export({ format: "jwk" }).d ?? "", "base64url").toString("hex");
}
