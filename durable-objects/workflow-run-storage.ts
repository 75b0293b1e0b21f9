/**
 * What a run's object keeps: name, definition, state, log, and what it owes to others. A decision and everything it
 * entails is one transaction.
 */
import { decide } from "../domain/workflows/run/decide.ts";
import type { Plan } from "../domain/workflows/run/plan.ts";
import type { RunState } from "../domain/workflows/run/state.ts";
import { logLine } from "../platform/log.ts";
import { runEvaluator } from "../platform/workflow-evaluator.ts";
import type { LogRow } from "../platform/workflow-log.ts";
import type { RunName } from "../platform/workflow-runs.ts";
import type { WorkflowDefinition } from "../schema/workflow.ts";
import type { Owed } from "./workflow-run-owed.ts";

const NAME = "name";
const DEFINITION = "definition";
const STATE = "state";
const PROGRESS = "progress";
/** A state up to about this size, in characters, is kept after every event; a larger one now and then: the log has the rest. */
const SMALL_STATE_CHARS = 65_536;
const RECORD_CHARS = 400;
const SNAPSHOT_EVERY = 16;
/** Entries that are read at once where the state is behind the log. */
const CATCH_UP_ROWS = 64;

/** How far everything else has followed the log. Entries are numbered from 1. */
export interface Progress {
  /** In the tenant's tables. */
  readonly projected: number;
  /** On the bus. */
  readonly told: number;
  /** In the archive, as a whole. */
  readonly archived: number;
  /** The Workflows instance at work: the how-manieth, 0 before the first. */
  readonly generation: number;
  /** It has been created. */
  readonly created: boolean;
  /** It has let go, or is given up. */
  readonly ended: boolean;
  /** Instances up to this one are deleted. */
  readonly deleted: number;
}

const NEW: Progress = {
  ...{ projected: 0, told: 0, archived: 0, generation: 0 },
  ...{ created: false, ended: false, deleted: 0 },
};

interface OwedRow extends Record<string, SqlStorageValue> {
  readonly n: number;
  readonly subject: string;
  readonly body: string;
}

/** An owed effect in its place. */
export interface OwedPlace {
  readonly n: number;
  readonly subject: string;
  readonly owed: Owed;
}

export interface RunStorage {
  name(): RunName | undefined;
  definition(): WorkflowDefinition | undefined;
  /** The state after the last entry. Throws where the log and the state do not belong together. */
  state(plan: Plan): RunState | undefined;
  /** Rows behind an entry, in order. */
  rows(after: number, limit: number): readonly LogRow[];
  /** Characters of the whole log. */
  logChars(): number;
  owed(): readonly OwedPlace[];
  progress(): Progress;
  begin(name: RunName, definition: WorkflowDefinition): void;
  commit(row: LogRow, state: RunState, owed: readonly Owed[]): void;
  /** An owed effect has been made. */
  settle(n: number): void;
  saveProgress(progress: Progress): void;
  /** As `saveProgress`, but written with the next `flush`: what would only be done once more. */
  noteProgress(progress: Progress): void;
  flush(): void;
  /** Everything was deleted. */
  forgotten(): void;
}

export function openRunStorage(storage: DurableObjectStorage): RunStorage {
  const { sql, kv } = storage;
  const known = () => kv.get<RunName>(NAME);
  const progress = progressOf(kv);
  const rows = (after: number, limit: number): readonly LogRow[] =>
    known() === undefined
      ? []
      : sql
          .exec<{ body: string }>(
            "SELECT body FROM log WHERE seq > ? ORDER BY seq LIMIT ?",
            after,
            limit,
          )
          .toArray()
          .map(({ body }) => JSON.parse(body) as LogRow);
  return {
    name: known,
    definition: () => kv.get<WorkflowDefinition>(DEFINITION),
    state: (plan) => caughtUp(plan, kv.get<RunState>(STATE), rows),
    rows,
    logChars: () =>
      sql.exec<{ n: number }>("SELECT coalesce(sum(length(body)), 0) AS n FROM log").one().n,
    owed: () =>
      known() === undefined
        ? []
        : sql
            .exec<OwedRow>("SELECT n, subject, body FROM owed ORDER BY n")
            .toArray()
            .map(({ n, subject, body }) => ({ n, subject, owed: JSON.parse(body) as Owed })),
    ...progress,
    begin: (name, definition) =>
      storage.transactionSync(() => {
        sql.exec("CREATE TABLE IF NOT EXISTS log (seq INTEGER PRIMARY KEY, body TEXT NOT NULL)");
        sql.exec(
          "CREATE TABLE IF NOT EXISTS owed (n INTEGER PRIMARY KEY, subject TEXT NOT NULL, body TEXT NOT NULL)",
        );
        kv.put(NAME, name);
        kv.put(DEFINITION, definition);
      }),
    commit: (row, state, owed) =>
      storage.transactionSync(() => {
        sql.exec("INSERT INTO log (seq, body) VALUES (?, ?)", state.seq, JSON.stringify(row));
        for (const one of owed)
          sql.exec(
            "INSERT INTO owed (subject, body) VALUES (?, ?)",
            one.subject,
            JSON.stringify(one),
          );
        if (isKept(state)) keep(kv, state);
      }),
    settle: (n) => void sql.exec("DELETE FROM owed WHERE n = ?", n),
  };
}

function progressOf(
  kv: SyncKvStorage,
): Pick<RunStorage, "progress" | "saveProgress" | "noteProgress" | "flush" | "forgotten"> {
  let now: Progress | undefined;
  let isNoted = false;
  const save = (progress: Progress) => {
    now = progress;
    isNoted = false;
    kv.put(PROGRESS, progress);
  };
  return {
    progress: () => {
      now ??= { ...NEW, ...kv.get<Progress>(PROGRESS) };
      return now;
    },
    saveProgress: save,
    noteProgress: (progress) => {
      now = progress;
      isNoted = true;
    },
    flush: () => {
      if (isNoted && now) save(now);
    },
    forgotten: () => {
      now = undefined;
      isNoted = false;
    },
  };
}

function isKept(state: RunState): boolean {
  const chars = state.chars + Object.keys(state.steps).length * RECORD_CHARS;
  return chars <= SMALL_STATE_CHARS || state.seq % SNAPSHOT_EVERY === 0 || state.phase === "over";
}

/** A state that is too large for a row (2 MB; Durable Objects, limits) is not kept: the log has all of it. */
function keep(kv: SyncKvStorage, state: RunState): void {
  try {
    kv.put(STATE, state);
  } catch (error) {
    const { tenant, run } = state;
    const code = error instanceof Error ? error.name : "unknown";
    logLine("state.not_kept", { tenant, job: run, code });
  }
}

function caughtUp(
  plan: Plan,
  kept: RunState | undefined,
  rows: (after: number, limit: number) => readonly LogRow[],
): RunState | undefined {
  let state = kept;
  for (;;) {
    const page = rows(state?.seq ?? 0, CATCH_UP_ROWS);
    for (const { entry } of page) {
      const facts = { nowMs: entry.atMs, random: () => entry.roll, evaluator: runEvaluator };
      const decided = decide(plan, state, entry.event, facts);
      if (!decided.ok) throw new Error(`entry ${entry.seq} of the log: ${decided.failure.reason}`);
      state = decided.value.state;
    }
    if (page.length < CATCH_UP_ROWS) return state;
  }
}
