/** Every simulator at once, on free ports of 127.0.0.1: what `npm run dev`, tests and benchmarks start. */
import { type DiscordOptions, type DiscordSimulator, startDiscord } from "./discord/simulator.ts";
import {
  type EvolutionOptions,
  type EvolutionSimulator,
  startEvolution,
} from "./evolution/simulator.ts";
import { type HiveOptions, type HiveSimulator, startHive } from "./hive/simulator.ts";
import { type ReceiverOptions, startReceiver, type WebhookReceiver } from "./receiver.ts";
import { type Resolver, type ResolverOptions, startResolver } from "./resolver.ts";
import {
  type ServicesOptions,
  type ServicesSimulator,
  startServices,
} from "./services/simulator.ts";
import { type SlackOptions, type SlackSimulator, startSlack } from "./slack/simulator.ts";

export interface AllOptions {
  readonly evolution?: EvolutionOptions;
  readonly slack?: SlackOptions;
  readonly discord?: DiscordOptions;
  readonly hive?: HiveOptions;
  readonly receiver?: ReceiverOptions;
  readonly resolver?: ResolverOptions;
  readonly services?: ServicesOptions;
}

export interface Simulators {
  readonly evolution: EvolutionSimulator;
  readonly slack: SlackSimulator;
  readonly discord: DiscordSimulator;
  readonly hive: HiveSimulator;
  readonly receiver: WebhookReceiver;
  readonly resolver: Resolver;
  readonly services: ServicesSimulator;
  /** Base URLs by name. */
  readonly urls: Readonly<
    Record<
      "evolution" | "slack" | "discord" | "hive" | "receiver" | "resolver" | "services",
      string
    >
  >;
  stop(): Promise<void>;
}

/** Starts all of them; rejects, with none left running, when one cannot start. */
export async function startAll(options: AllOptions = {}): Promise<Simulators> {
  const started: { stop(): Promise<void> }[] = [];
  const keep = async <S extends { stop(): Promise<void> }>(starting: Promise<S>): Promise<S> => {
    const simulator = await starting;
    started.push(simulator);
    return simulator;
  };
  const stop = async (): Promise<void> => {
    await Promise.all(started.map((simulator) => simulator.stop()));
  };
  try {
    const evolution = await keep(startEvolution(options.evolution));
    const slack = await keep(startSlack(options.slack));
    const discord = await keep(startDiscord(options.discord));
    const hive = await keep(startHive(options.hive));
    const receiver = await keep(startReceiver(options.receiver));
    const resolver = await keep(startResolver(options.resolver));
    const services = await keep(startServices(options.services));
    const urls = {
      evolution: evolution.url,
      slack: slack.url,
      discord: discord.url,
      hive: hive.url,
      receiver: receiver.url,
      resolver: resolver.url,
      services: services.url,
    };
    return { evolution, slack, discord, hive, receiver, resolver, services, urls, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
