/** placeholder until the clients land */
import type { Located } from "../../platform/directory.ts";
import type { TakenTurn, TurnResult } from "../../schema/conversation.ts";
import { directReplies, planTurn } from "./turn.ts";

export async function runTurn(env: Env, located: Located, taken: Extract<TakenTurn, { is: "taken" }>): Promise<TurnResult> {
  const planned = await planTurn(env, located, taken.config, taken.override, taken.turn);
  return { id: taken.turn.id, is: "committed", replies: directReplies(planned) };
}
