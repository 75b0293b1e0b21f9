/** Requests about schedules and webhooks of workflows. What an operation uses up is made anew each time. */
import { randomBytes } from "node:crypto";
import type { Planted } from "./plant.ts";
import type { ApiRequest } from "./requests.ts";
import type { PlantedWorld } from "./world.ts";

type Maker = (world: PlantedWorld, mine: Planted) => ApiRequest | Promise<ApiRequest>;

/** By operationId. */
export const SCHEDULE_REQUESTS: Readonly<Record<string, Maker>> = {
  listSchedules: async (world, mine) => {
    await freshSchedule(world, mine);
    return { query: { limit: "5" } };
  },
  createSchedule: (_, mine) => ({ body: aSchedule(mine) }),
  getSchedule: freshSchedule,
  updateSchedule: async (world, mine) => ({
    ...(await freshSchedule(world, mine)),
    body: { name: `${mine.word} at noon`, timing: { kind: "cron", cron: "0 12 * * *" } },
  }),
  pauseSchedule: freshSchedule,
  resumeSchedule: freshSchedule,
  deleteSchedule: freshSchedule,
  nextScheduleSlots: async (world, mine) => ({
    ...(await freshSchedule(world, mine)),
    query: { count: "3" },
  }),
  fireSchedule: freshSchedule,
  listScheduleSlots: async (world, mine) => {
    const made = await freshSchedule(world, mine);
    const fire = `/schedules/${made.params.schedule}/fire?tenant=${mine.tenant}`;
    // Two, so that a list of them has a second page.
    for (let times = 0; times < 2; times++) await world.must("POST", fire);
    return made;
  },
  postWorkflowHook: async (world, { tenant, word }) => {
    const workflow = `hooked-${randomBytes(5).toString("hex")}`;
    await world.must("POST", `/workflows?tenant=${tenant}`, {
      ...{ id: workflow, name: word, version: "1.0.0" },
      // Without a secret it asks for a key.
      triggers: [{ type: "webhook", path: "in" }],
      steps: [{ id: "note", type: "action", action: "transform", with: { word } }],
    });
    return { params: { tenant, workflow, path: "in" }, body: { posted: true } };
  },
};

function aSchedule({ word, workflow }: Pick<Planted, "word" | "workflow">) {
  const timing = { kind: "cron", cron: "0 3 * * *", timezone: "Europe/Berlin" };
  return { id: `at-${randomBytes(5).toString("hex")}`, name: word, workflow, timing };
}

async function freshSchedule(world: PlantedWorld, mine: Planted) {
  const body = aSchedule(mine);
  await world.must("POST", `/schedules?tenant=${mine.tenant}`, body);
  return { params: { schedule: body.id } };
}
