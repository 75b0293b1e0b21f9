/** Requests about tasks for people. What an operation uses up is made anew each time. */
import { eventually } from "../runtime.ts";
import type { Planted } from "./plant.ts";
import type { ApiRequest } from "./requests.ts";
import type { PlantedWorld } from "./world.ts";

type Mine = Pick<Planted, "tenant" | "word">;
type Maker = (world: PlantedWorld, mine: Planted) => ApiRequest | Promise<ApiRequest>;

/** By operationId. */
export const TASK_REQUESTS: Readonly<Record<string, Maker>> = {
  listTasks: async (world, mine) => {
    await freshTask(world, mine);
    return { query: { run: mine.run, workflow: mine.workflow, status: "open" } };
  },
  getTask: (_, { task }) => ({ params: { task } }),
  answerTask: async (world, mine) => ({
    ...(await freshTask(world, mine)),
    body: { choice: "approve", by: mine.word, comment: mine.word },
  }),
  reassignTask: async (world, mine) => ({
    ...(await freshTask(world, mine)),
    body: { assignees: [`new ${mine.word}`], by: mine.word },
  }),
  commentTask: async (world, mine) => ({
    ...(await freshTask(world, mine)),
    body: { text: `about ${mine.word}` },
  }),
};

/** An open task of the tenant; it can be read in lists too. */
export async function plantTask(world: PlantedWorld, mine: Mine): Promise<{ task: string }> {
  const { tenant, word } = mine;
  const ask = { id: "ask", type: "approval", title: `Approve ${word}?`, assignees: [word] };
  const definition = { id: asking(mine), version: "1.0.0", name: word, steps: [ask] };
  await world.must("POST", `/workflows?tenant=${tenant}`, definition);
  return (await freshTask(world, mine)).params;
}

const asking = ({ tenant }: Mine) => `${tenant}-asking`;

async function freshTask(world: PlantedWorld, mine: Mine) {
  const path = `/workflows/${asking(mine)}/runs?tenant=${mine.tenant}`;
  const run = (await world.must("POST", path, { input: {} })).body.run as string;
  const task = `${run}:ask@1`;
  const db = await world.db();
  return eventually(`the task of ${run}`, async () => {
    const sql = "SELECT id FROM workflow_tasks WHERE tenant_id = ? AND id = ?";
    const { results } = await db.prepare(sql).bind(mine.tenant, task).all();
    return results.length > 0 ? { params: { task } } : undefined;
  });
}
