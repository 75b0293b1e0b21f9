/** Requests about replays, each with a subscription or a job of its own. */
import type { Planted } from "./plant.ts";
import { freshPull } from "./subscriptions.ts";
import type { PlantedWorld } from "./world.ts";

interface Ready {
  readonly params?: Readonly<Record<string, string>>;
  readonly body?: Readonly<Record<string, unknown>>;
}

type Maker = (world: PlantedWorld, mine: Planted) => Ready | Promise<Ready>;

/** By operationId. */
export const REPLAY_REQUESTS: Readonly<Record<string, Maker>> = {
  startDeadLetterReplay: (_, { connections }) => ({
    body: { filter: { connection: connections.slack }, dry_run: true },
  }),
  startReplay: async (world, mine) => ({
    body: { ...(await replayOfNothing(world, mine)), dry_run: true },
  }),
  listReplays: () => ({}),
  getReplay: freshReplay,
  pauseReplay: freshReplay,
  resumeReplay: freshReplay,
  cancelReplay: freshReplay,
};

/** A replay that has come to nothing. */
async function replayOfNothing(world: PlantedWorld, mine: Planted) {
  const { id } = await freshPull(world, mine);
  return { subscription: id, since: "2026-01-01T00:00:00Z", until: "2026-01-01T00:00:01Z" };
}

/** The last one of each tenant: a tenant may have only a few at a time. */
const last = new Map<string, string>();

/** One that is paused, so that each order still has something to say to it. */
async function freshReplay(world: PlantedWorld, mine: Planted) {
  const { tenant } = mine;
  const before = last.get(tenant);
  if (before) await world.ask("POST", `/replays/${before}/cancel`, asOperator(world, tenant));
  const { id } = await freshPull(world, mine);
  const body = { subscription: id, since: new Date(Date.now() - 1000).toISOString() };
  const made = await world.must("POST", `/replays?tenant=${tenant}`, body);
  const replay = made.body.id as string;
  last.set(tenant, replay);
  await world.must("POST", `/replays/${replay}/pause?tenant=${tenant}`);
  return { params: { replay } };
}

function asOperator({ hub }: PlantedWorld, tenant: string) {
  return { key: hub.adminKey, query: { tenant } };
}
