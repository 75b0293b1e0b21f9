/** placeholder until the media pipeline lands */
import type { Located } from "../../platform/directory.ts";
import type { TakenTurn, Turn } from "../../schema/conversation.ts";

export async function storeFiles(
  _env: Env,
  _located: Located,
  taken: Extract<TakenTurn, { is: "taken" }>,
): Promise<Turn> {
  return taken.turn;
}
