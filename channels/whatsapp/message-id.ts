/**
 * The message id we choose where Evolution lets us (2.4: `messageId`): the same for every attempt at the
 * same part, so that a repeated send is the same message.
 */
import { digest64 } from "../shared/digest.ts";

/** What ids of linked devices begin with, and how many hex digits follow. */
const PREFIX = "3EB0";
const DIGITS = 18;

/** 22 characters, upper-case hex. */
export function platformIdOf(messageId: string, step: string): string {
  const name = `${messageId}/${step}`;
  const digits = `${digest64(name)}${digest64(name, 1)}`.slice(0, DIGITS);
  return `${PREFIX}${digits.toUpperCase()}`;
}
