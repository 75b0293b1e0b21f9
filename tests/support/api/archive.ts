/** Requests about the archive. Its index has rows, long ago, whose objects are gone. */
import { putSegment } from "../../../platform/repositories/segments.ts";
import type { Planted } from "./plant.ts";
import type { ApiRequest } from "./requests.ts";
import type { PlantedWorld } from "./world.ts";

type Maker = (world: PlantedWorld, mine: Planted) => ApiRequest | Promise<ApiRequest>;

const SINCE = "2026-01-01T00:00:00Z";
const HOUR_MS = 3_600_000;
const PLANTED_HOURS = 2;

/** By operationId. */
export const ARCHIVE_REQUESTS: Readonly<Record<string, Maker>> = {
  listArchive: async (world, mine) => {
    await plantSegments(world, mine);
    return { query: { kind: "events", since: "2025-01-01T00:00:00Z" } };
  },
  verifyArchive: () => ({ body: { kind: "messages", since: SINCE } }),
  rebuildArchiveIndex: () => ({}),
};

async function plantSegments({ hub }: PlantedWorld, { tenant }: Planted): Promise<void> {
  const db = (await hub.mf.getD1Database("DB")) as unknown as D1Database;
  for (let hour = 1; hour <= PLANTED_HOURS; hour++) {
    const hourMs = Date.parse(SINCE) - hour * HOUR_MS;
    const key = `archive/${tenant}/events/${new Date(hourMs).toISOString()}`;
    const empty = { part: 0, rows: 0, bytes: 0, sha256: "", first: "0", last: "0", cold: false };
    const segment = { tenant, kind: "events", hourMs, key, ...empty, createdAtMs: hourMs } as const;
    await putSegment(db, segment).run();
  }
}
