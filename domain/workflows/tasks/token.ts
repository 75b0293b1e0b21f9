/**
 * What a button carries: which task and which choice, bound by HMAC to tenant, connection and the place it was sent to,
 * so that one seen somewhere else answers nothing. Seventy-two characters: Discord's `custom_id` has room for 100
 * (Discord docs, component reference).
 */
import { signText } from "../../security/signed-text.ts";
import { TASK_TAG_CHARS, taskTag } from "./tag.ts";

const PREFIX = "tk1";
const RUN_PREFIX = "run_";
const TOKEN = new RegExp(
  `^${PREFIX}\\.([0-9a-z]{26})\\.([0-9a-f]{${TASK_TAG_CHARS}})\\.(\\d)\\.([A-Za-z0-9_-]{22})$`,
);

export interface TaskToken {
  readonly run: string;
  /** See `tag.ts`. */
  readonly tag: string;
  /** Place of the choice, from 0. */
  readonly choice: number;
  readonly mac: string;
}

/** What a token is bound to. `place`: the conversation key it was sent to. */
export interface TokenBinding {
  readonly tenant: string;
  readonly connection: string;
  readonly place: string;
  readonly run: string;
  readonly task: string;
  readonly choice: string;
}

/** `at`: place of the choice, from 0. */
export async function taskToken(
  secret: string,
  binding: TokenBinding,
  at: number,
): Promise<string> {
  const run = binding.run.slice(RUN_PREFIX.length);
  return [PREFIX, run, taskTag(binding.task), at, await macOf(secret, binding)].join(".");
}

/** Undefined for everything that is no token; says nothing yet about who made it. */
export function readToken(text: unknown): TaskToken | undefined {
  const [, run, tag, choice, mac] = (typeof text === "string" && TOKEN.exec(text)) || [];
  if (run === undefined || tag === undefined || mac === undefined) return undefined;
  return { run: RUN_PREFIX + run, tag, choice: Number(choice), mac };
}

export async function isTokenOf(
  secret: string,
  token: TaskToken,
  binding: TokenBinding,
): Promise<boolean> {
  const right = await macOf(secret, binding);
  let difference = right.length ^ token.mac.length;
  for (let at = 0; at < right.length; at++)
    difference |= right.charCodeAt(at) ^ token.mac.charCodeAt(at);
  return difference === 0;
}

async function macOf(secret: string, binding: TokenBinding): Promise<string> {
  const { tenant, connection, place, run, task, choice } = binding;
  const text = JSON.stringify([tenant, connection, place, run, task, choice]);
  const signed = await signText(secret, "task button", text);
  return signed.slice(signed.lastIndexOf(".") + 1);
}
