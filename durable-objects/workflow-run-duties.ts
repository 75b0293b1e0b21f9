/**
 * What a run's object does besides deciding: its rows in the tenant's tables, its events on the bus, what it owes to
 * other objects, its archive and its end. Each goes at its own pace and is tried again by itself: none of them holds
 * up the run or another one.
 */
import {
  type RunState,
  type StepRecord,
  shownStatus,
  type Undo,
} from "../domain/workflows/run/state.ts";
import { databaseFor } from "../platform/database.ts";
import { logLine } from "../platform/log.ts";
import { count } from "../platform/metrics.ts";
import { markArchived, projectRun } from "../platform/repositories/workflow-projection.ts";
import { archiveRun } from "../platform/workflow-archive.ts";
import { tellRows } from "../platform/workflow-events.ts";
import { workflowRun } from "../platform/workflow-runs.ts";
import { awaitedEvents } from "../platform/workflow-triggers.ts";
import { parseVars } from "../schema/vars.ts";
import { SingleFlight } from "./single-flight.ts";
import type { OwnOwed } from "./workflow-run-owed.ts";
import type { OwedPlace, RunStorage } from "./workflow-run-storage.ts";

/** Entries that are projected, or told, at once. */
const ROWS_MAX = 200;
/** A duty that failed is tried again after this, doubled each time, ms. */
const AGAIN_MS = 1000;
const AGAIN_CAP_MS = 120_000;
/** An instance that has let go is deleted this long after the end, ms. */
const DELETE_AFTER_MS = 5000;
/** An ended run's object can be asked for this long, ms; then the archive has it alone. */
const KEPT_MS = 24 * 3_600_000;
/** A run that people may want to go on with is kept longer, ms. */
const KEPT_FAILED_MS = 30 * 24 * 3_600_000;

type Duty = "project" | "tell" | "owed" | "archive" | "delete" | "forget";

interface Failing {
  readonly failures: number;
  readonly nextMs: number;
}

export interface DutyDeps {
  readonly storage: RunStorage;
  readonly state: () => RunState | undefined;
  /** Deletes the run's instances. */
  readonly removeHands: (env: Env) => Promise<void>;
  readonly forget: () => Promise<void>;
}

export class Duties {
  readonly #deps: DutyDeps;
  readonly #failing = new Map<Duty, Failing>();
  readonly #flights = new Map<Duty, SingleFlight>();
  /** Records that stand in the tables as they are. */
  readonly #stored = new Map<string, StepRecord | Undo>();

  constructor(deps: DutyDeps) {
    this.#deps = deps;
  }

  /** Does what is due, nothing twice at once, and nothing held up by another. Never rejects. */
  async attend(env: Env): Promise<void> {
    const due = this.#open().filter(({ atMs }) => atMs <= Date.now());
    await Promise.all(due.map(({ duty }) => this.#flightOf(env, duty).run()));
    this.#deps.storage.flush();
  }

  /** When the next thing is due, ms. */
  dueMs(): number | undefined {
    const dues = this.#open().map(({ atMs }) => atMs);
    return dues.length === 0 ? undefined : Math.min(...dues);
  }

  #open(): readonly { readonly duty: Duty; readonly atMs: number }[] {
    const state = this.#deps.state();
    if (!state) return [];
    const { projected, told, archived, generation, deleted } = this.#deps.storage.progress();
    const { seq, phase, endedAtMs = 0 } = state;
    const over = phase === "over";
    const owes = ownPlaces(this.#deps.storage.owed()).length > 0;
    const followed = projected === seq && told === seq;
    const keptMs = state.status === "completed" ? KEPT_MS : keptFor(state);
    const open: (readonly [Duty, boolean, number])[] = [
      ["project", projected < seq, 0],
      ["tell", told < seq, 0],
      ["owed", owes, 0],
      ["archive", over && archived < seq, 0],
      ["delete", over && deleted < generation, endedAtMs + DELETE_AFTER_MS],
      ["forget", over && followed && !owes && archived === seq, endedAtMs + keptMs],
    ];
    return open
      .filter(([, is]) => is)
      .map(([duty, , atMs]) => ({
        duty,
        atMs: Math.max(atMs, this.#failing.get(duty)?.nextMs ?? 0),
      }));
  }

  #flightOf(env: Env, duty: Duty): SingleFlight {
    const flight = this.#flights.get(duty) ?? new SingleFlight(() => this.#try(env, duty));
    this.#flights.set(duty, flight);
    return flight;
  }

  async #try(env: Env, duty: Duty): Promise<void> {
    const state = this.#deps.state();
    const isDue = this.#open().some((one) => one.duty === duty && one.atMs <= Date.now());
    if (!state || !isDue) return;
    try {
      await this.#do(env, duty, state);
      this.#failing.delete(duty);
    } catch (error) {
      const failures = (this.#failing.get(duty)?.failures ?? 0) + 1;
      const waitMs = Math.min(AGAIN_MS * 2 ** Math.min(failures - 1, 20), AGAIN_CAP_MS);
      this.#failing.set(duty, { failures, nextMs: Date.now() + waitMs });
      const { tenant, run } = state;
      const code = error instanceof Error ? error.name : "unknown";
      count("workflow_duties_failed_total", { duty });
      logLine("run.behind", { tenant, job: run, operation: duty, code, attempt: failures });
    }
  }

  async #do(env: Env, duty: Duty, state: RunState): Promise<void> {
    switch (duty) {
      case "project":
        return this.#project(env, state);
      case "tell":
        return this.#tell(env, state);
      case "owed":
        return this.#settle(env, state);
      case "archive":
        return this.#archive(env, state);
      case "delete":
        return this.#deps.removeHands(env);
      case "forget":
        await markArchived(databaseFor(env, state.tenant), state, Date.now());
        return this.#deps.forget();
    }
  }

  /** The rows are those of the entries; the steps and the run are as they are by now. */
  async #project(env: Env, state: RunState): Promise<void> {
    const { storage } = this.#deps;
    const rows = storage.rows(storage.progress().projected, ROWS_MAX);
    const steps = Object.values(state.steps).filter((one) => this.#stored.get(one.key) !== one);
    const undos = state.undos.filter((one) => this.#stored.get(`undo:${one.key}`) !== one);
    await projectRun(databaseFor(env, state.tenant), { state, steps, undos, rows });
    for (const one of steps) this.#stored.set(one.key, one);
    for (const one of undos) this.#stored.set(`undo:${one.key}`, one);
    const last = rows.at(-1)?.entry.seq ?? state.seq;
    storage.noteProgress({ ...storage.progress(), projected: last });
  }

  async #tell(env: Env, state: RunState): Promise<void> {
    const { storage } = this.#deps;
    const { EVENT_SHARDS: shards, TENANT_CACHE_MS: cacheMs } = parseVars(env);
    const rows = storage.rows(storage.progress().told, ROWS_MAX);
    if (!(await tellRows({ env, shards, cacheMs }, state, rows))) throw new Error("not taken");
    const last = rows.at(-1)?.entry.seq ?? state.seq;
    storage.noteProgress({ ...storage.progress(), told: last });
  }

  /** In order: what failed holds up only what comes behind it. */
  async #settle(env: Env, state: RunState): Promise<void> {
    for (const { n, owed } of ownPlaces(this.#deps.storage.owed())) {
      await settleOne(env, state, owed);
      this.#deps.storage.settle(n);
    }
  }

  async #archive(env: Env, state: RunState): Promise<void> {
    const { storage } = this.#deps;
    const definition = storage.definition();
    if (!definition) return;
    const log = storage.rows(0, state.seq).map(({ entry }) => entry);
    await archiveRun(env, state, definition, log);
    storage.noteProgress({ ...storage.progress(), archived: state.seq });
  }
}

function keptFor({ status }: RunState): number {
  return status === "failed" || status === "compensation_failed" ? KEPT_FAILED_MS : KEPT_MS;
}

function ownPlaces(
  owed: readonly OwedPlace[],
): readonly (OwedPlace & { readonly owed: OwnOwed })[] {
  return owed.filter((one): one is OwedPlace & { owed: OwnOwed } => one.owed.by === "object");
}

async function settleOne(env: Env, state: RunState, owed: OwnOwed): Promise<void> {
  const { tenant, run } = state;
  switch (owed.is) {
    case "await": {
      const { step, type, correlationId } = owed;
      const own = correlationId === undefined ? {} : { correlationId };
      const { workflow, startedAtMs: sinceMs } = state;
      return awaitedEvents(env, tenant).await({
        ...{ tenant, run, step, type, workflow, sinceMs },
        ...own,
      });
    }
    case "ignore":
      return awaitedEvents(env, tenant).ignore({ tenant, run, step: owed.step });
    case "answer":
      return answerParent(env, state);
  }
}

/** A parent that waits no longer refuses it, which is fine. */
async function answerParent(env: Env, state: RunState): Promise<void> {
  const { tenant, parent, ending } = state;
  if (!parent || !ending) return;
  const { run, step, attempt } = parent;
  const of = { step, attempt };
  const completed = state.status === "completed" && ending.is === "completed";
  await workflowRun(env, { tenant, run }).send(
    completed
      ? { is: "child_ended", ...of, outcome: "completed", output: ending.output }
      : { is: "child_ended", ...of, outcome: "failed", error: { reason: reasonOf(state) } },
  );
}

function reasonOf(state: RunState): string {
  const { ending } = state;
  return ending && "error" in ending ? ending.error.reason : shownStatus(state);
}
