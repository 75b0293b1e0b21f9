/** Short names of a run's tasks: of one length, so that a button has room for one. Unique within a run, and no secret. */
import { textDigest } from "./digest.ts";

/** Characters of a tag. */
export const TASK_TAG_CHARS = 16;

export function taskTag(task: string): string {
  return textDigest(task);
}
