/** The kinds of tasks: the members that only they have (the first tells the kind), and their parts. */
import type { Kind } from "./task.ts";
import { callTask } from "./task-call.ts";
import { raiseTask, tryTask } from "./task-error.ts";
import { emitTask, listenTask, waitTask } from "./task-event.ts";
import { doTask, forkTask, forTask, switchTask } from "./task-flow.ts";
import { runTask, setTask } from "./task-run.ts";

export const KINDS: readonly (readonly [readonly string[], Kind])[] = [
  [["call", "with"], callTask],
  [["do"], doTask],
  [["fork"], forkTask],
  [["emit"], emitTask],
  [["for", "while", "do"], forTask],
  [["listen", "foreach"], listenTask],
  [["raise"], raiseTask],
  [["run"], runTask],
  [["set"], setTask],
  [["switch"], switchTask],
  [["try", "catch"], tryTask],
  [["wait"], waitTask],
];
