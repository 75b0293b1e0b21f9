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
  listReplays: async (world, mine) => {
    await freshReplay(world, mine);
    return {};
  },
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

/** One after the other: each ends those before it, also half-made ones. */
let making: Promise<unknown> = Promise.resolve();

/** One that is paused, so that each order still has something to say to it. */
function freshReplay(world: PlantedWorld, mine: Planted): Promise<Ready> {
  const made = making.then(() => makeReplay(world, mine));
  making = made.catch(() => undefined);
  return made;
}

/** One may be done before it can be paused: it has little to do, and the machine much. */
const TRIES_MAX = 20;

async function makeReplay(world: PlantedWorld, mine: Planted): Promise<Ready> {
  const { tenant } = mine;
  await endReplays(world, tenant);
  const { id } = await freshPull(world, mine);
  for (let tries = 1; ; tries++) {
    const body = { subscription: id, since: new Date(Date.now() - 1000).toISOString() };
    const made = await world.must("POST", `/replays?tenant=${tenant}`, body);
    const replay = made.body.id as string;
    const path = `/replays/${replay}/pause`;
    const paused = await world.ask("POST", path, asOperator(world, tenant));
    if (paused.status === 200) return { params: { replay } };
    if (tries === TRIES_MAX) throw new Error(`${path}: ${paused.status} ${paused.text}`);
  }
}

/** A tenant may have only a few at a time, and made-up requests start some too. */
async function endReplays(world: PlantedWorld, tenant: string): Promise<void> {
  const { body } = await world.ask("GET", "/replays", asOperator(world, tenant));
  for (const { id, state } of body.items as readonly { id: string; state: string }[])
    if (state === "running" || state === "paused")
      await world.ask("POST", `/replays/${id}/cancel`, asOperator(world, tenant));
}

function asOperator({ hub }: PlantedWorld, tenant: string) {
  return { key: hub.adminKey, query: { tenant } };
}
