/**
 * The answer of a Hive that speaks plain JSON. Hives differ in where they put the text, so the usual places are
 * tried in order; a `parts` list goes before all of them.
 */
import * as z from "zod";
import { fail, ok } from "../domain/result.ts";
import { OutboundContent } from "../schema/outbound.ts";
import { readWhole } from "./http-deadline.ts";
import type { RouteAnswer } from "./route-call.ts";

const Text = z.string().max(100_000).nullish();
const Answer = z.object({
  parts: z
    .array(z.union([z.string().max(100_000), OutboundContent]))
    .max(50)
    .nullish(),
  reply: Text,
  response: Text,
  message: Text,
  content: Text,
  text: Text,
});

/** 204 and an empty body are silence. */
export async function readJsonAnswer(
  response: Response,
  bytesMax: number,
  signal: AbortSignal,
): Promise<RouteAnswer> {
  const text = await readWhole(response, bytesMax, signal);
  if (text === undefined) {
    return fail({ reason: "answer_too_large", retryable: false, breaker: false });
  }
  if (text.trim() === "") return ok([]);
  const value = parsed(text);
  const answer = Answer.safeParse(value);
  if (!answer.success) {
    const detail = answer.error.issues[0]?.path.join(".") ?? "";
    return fail({ reason: "bad_answer", retryable: value === undefined, breaker: false, detail });
  }
  const { parts, reply, response: said, message, content, text: plain } = answer.data;
  const contents = parts?.length ? parts : [reply ?? said ?? message ?? content ?? plain ?? ""];
  return ok(
    contents
      .map((part) => (typeof part === "string" ? { type: "text" as const, text: part } : part))
      .filter((part) => part.type !== "text" || part.text.trim() !== ""),
  );
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
