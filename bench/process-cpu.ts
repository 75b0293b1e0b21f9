/** CPU time of processes, out of /proc. Where there is no /proc nothing is measured. */
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";

const CLOCK_TICKS_PER_SECOND = 100;

/** Fields of `/proc/<pid>/stat` behind the command's name: 0 is the state. */
const FIELD = {
  parent: 1,
  userTicks: 11,
  systemTicks: 12,
  childUser: 13,
  childSystem: 14,
} as const;

function statOf(pid: number): readonly string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    // A command's name may hold spaces and brackets.
    return text.slice(text.lastIndexOf(") ") + 2).split(" ");
  } catch {
    return undefined;
  }
}

function seconds(stat: readonly string[], fields: readonly number[]): number {
  return fields.reduce((sum, field) => sum + Number(stat[field]), 0) / CLOCK_TICKS_PER_SECOND;
}

/** User and system time of a process so far, s. */
export function cpuSeconds(pid: number): number | undefined {
  const stat = statOf(pid);
  return stat && seconds(stat, [FIELD.userTicks, FIELD.systemTicks]);
}

/** The same of a process and all below it, those that have ended and were waited for included, s. */
export function treeCpuSeconds(pid: number): number | undefined {
  if (!statOf(pid)) {
    return undefined;
  }
  const children = new Map<number, number[]>();
  for (const name of readdirSync("/proc").filter((one) => /^\d+$/.test(one))) {
    const parent = Number(statOf(Number(name))?.[FIELD.parent] ?? 0);
    children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
  }
  const all = Object.values(FIELD).filter((field) => field !== FIELD.parent);
  const sum = (one: number): number => {
    const stat = statOf(one);
    const below = (children.get(one) ?? []).map(sum);
    return below.reduce((total, part) => total + part, stat ? seconds(stat, all) : 0);
  };
  return sum(pid);
}

const SETTLE_STEP_MS = 300;
const SETTLE_MAX_MS = 6000;
/** Busy for less than a twentieth of a step: it has come to rest. */
const IDLE_SECONDS = (SETTLE_STEP_MS / 1000) * 0.05;

/** Waits until `read` hardly moves any more, up to a limit; resolves to what it then says. */
export async function settled(
  read: () => number | undefined,
  maxMs = SETTLE_MAX_MS,
): Promise<number | undefined> {
  let last = read();
  for (let waitedMs = 0; waitedMs < maxMs; waitedMs += SETTLE_STEP_MS) {
    await sleep(SETTLE_STEP_MS);
    const now = read();
    if (now === undefined || last === undefined || now - last <= IDLE_SECONDS) {
      return now;
    }
    last = now;
  }
  return last;
}
