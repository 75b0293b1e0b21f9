/**
 * A whole world on this machine: every simulator, a hub that uses them, and tenants whose accounts exist on
 * both sides. The demonstration, the crash test and the benchmarks run in one.
 */
import type { TenantInput } from "../schema/tenant.ts";
import { type Hub, type HubOptions, startHub } from "./runtime.ts";
import { createTenants } from "./seed.ts";
import { type DevSimulators, startSimulators } from "./simulators.ts";
import type { WebhookSource } from "./webhooks.ts";

export interface World {
  readonly hub: Hub;
  readonly simulators: DevSimulators;
  stop(): Promise<void>;
}

export interface WorldOptions extends Omit<HubOptions, "simulators"> {
  readonly tenants: readonly TenantInput[];
  /** What the platforms of these tenants sign with, where the tenants do not say it. */
  readonly sources?: readonly WebhookSource[];
  /** Simulators that only answer: no echoes of sends and no statuses by themselves. Default false. */
  readonly quietPlatforms?: boolean;
}

/** Starts simulators and hub and creates the tenants. Nothing is left running when it throws. */
export async function startWorld(options: WorldOptions): Promise<World> {
  const simulators = await startSimulators({ quiet: options.quietPlatforms === true });
  const stops: (() => Promise<void>)[] = [() => simulators.stop()];
  const stop = async (): Promise<void> => {
    await Promise.all(stops.map((end) => end()));
  };
  try {
    const hub = await startHub({ ...options, simulators: simulators.origins });
    stops.push(() => hub.stop());
    simulators.open(options.tenants, hub.url, options.sources);
    await createTenants(hub, options.tenants);
    return { hub, simulators, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
