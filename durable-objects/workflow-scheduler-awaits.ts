/**
 * Which runs wait for which published events, and the events of the last minutes for runs that come to wait a little
 * later. The tenant's bus hands over every event of a type that some run waits for, or may come to wait for.
 */
import {
  EARLY_EVENT_MS,
  EARLY_EVENTS_CHARS_MAX,
  EARLY_EVENTS_MAX,
  isAwaited,
} from "../domain/workflows/triggers/awaited.ts";
import { AWAITED_SUBSCRIPTION, awaitedSubscription } from "../domain/workflows/triggers/hidden.ts";
import { count } from "../platform/metrics.ts";
import { runIdOf } from "../platform/workflow-ids.ts";
import { workflowRun } from "../platform/workflow-runs.ts";
import { putHidden } from "../platform/workflow-sync.ts";
import type { ArrivedEvent, AwaitedEvent, AwaitingRun } from "../platform/workflow-triggers.ts";

interface AwaitRow extends Record<string, SqlStorageValue> {
  readonly run: string;
  readonly step: string;
  readonly type: string;
  readonly correlation: string | null;
  readonly workflow: string;
  readonly since: number;
}

interface EarlyRow extends Record<string, SqlStorageValue> {
  readonly n: number;
  readonly key: string;
  readonly type: string;
  readonly correlation: string | null;
  readonly at: number;
  readonly data: string;
}

const TABLES = [
  `CREATE TABLE IF NOT EXISTS awaits (run TEXT NOT NULL, step TEXT NOT NULL, type TEXT NOT NULL, correlation TEXT,
   workflow TEXT NOT NULL, since INTEGER NOT NULL, PRIMARY KEY (run, step)) WITHOUT ROWID`,
  "CREATE INDEX IF NOT EXISTS awaits_correlation ON awaits (correlation)",
  `CREATE TABLE IF NOT EXISTS early (n INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL UNIQUE, type TEXT NOT NULL,
   correlation TEXT, at INTEGER NOT NULL, data TEXT NOT NULL)`,
  "CREATE INDEX IF NOT EXISTS early_correlation ON early (correlation)",
  "CREATE TABLE IF NOT EXISTS awaitable (workflow TEXT NOT NULL, type TEXT NOT NULL, PRIMARY KEY (workflow, type)) WITHOUT ROWID",
];
/** Types the subscription is bound to, as they were written last. */
const BOUND = "bound";

export class EventAwaits {
  readonly #sql: SqlStorage;
  readonly #kv: SyncKvStorage;
  /** Changes of the subscription, one after the other. */
  #binding: Promise<unknown> = Promise.resolve();

  constructor({ sql, kv }: DurableObjectStorage) {
    this.#sql = sql;
    this.#kv = kv;
    for (const table of TABLES) sql.exec(table);
  }

  /** Durable, bound, and handed what came before, when it resolves. Rejects where one of it failed. */
  async await(env: Env, wanted: AwaitedEvent): Promise<void> {
    const { tenant, run, step, type, correlationId, workflow, sinceMs } = wanted;
    this.#sql.exec(
      `INSERT OR REPLACE INTO awaits (run, step, type, correlation, workflow, since)
       VALUES (?, ?, ?, ?, ?, ?)`,
      ...[run, step, type, correlationId ?? null, workflow, sinceMs],
    );
    await this.bind(env, tenant);
    for (const row of this.#earlyOf(wanted)) {
      if (await isOwn(tenant, wanted, row.key)) continue;
      await workflowRun(env, { tenant, run }).send({
        ...{ is: "event", id: row.key, type: row.type, payload: JSON.parse(row.data) },
        ...(row.correlation === null ? {} : { correlationId: row.correlation }),
      });
      count("awaited_events_total", { tenant, outcome: "early" });
    }
  }

  ignore(run: string, step: string): void {
    this.#sql.exec("DELETE FROM awaits WHERE run = ? AND step = ?", run, step);
  }

  /** Kept for runs that come later; answers those that wait already. */
  async arrived(event: ArrivedEvent, nowMs: number): Promise<readonly AwaitingRun[]> {
    const { tenant, key, type, correlationId } = event;
    this.#keepEarly(event, nowMs);
    const came = { type, correlationId, atMs: this.#atOf(key) ?? nowMs };
    const rows = this.#awaitsOf(correlationId).filter((row) =>
      isAwaited(
        { type: row.type, correlationId: row.correlation ?? undefined, sinceMs: row.since },
        came,
      ),
    );
    const meant = await Promise.all(
      rows.map(async (row) => ((await isOwn(tenant, row, key)) ? [] : [row.run])),
    );
    return [...new Set(meant.flat())].map((run) => ({ run }));
  }

  /** What runs of a workflow may come to wait for. */
  setAwaitable(workflow: string, types: readonly string[]): void {
    this.#sql.exec("DELETE FROM awaitable WHERE workflow = ?", workflow);
    for (const type of types)
      this.#sql.exec(
        "INSERT OR IGNORE INTO awaitable (workflow, type) VALUES (?, ?)",
        workflow,
        type,
      );
  }

  /** Binds the subscription to every type there is a wait for, or may be. Rejects as D1 does. */
  bind(env: Env, tenant: string): Promise<void> {
    const bound = this.#binding.then(() => this.#bind(env, tenant));
    this.#binding = bound.catch(() => undefined);
    return bound;
  }

  /** Drops events that nobody has come to wait for in time. */
  prune(nowMs: number): void {
    this.#sql.exec("DELETE FROM early WHERE at < ?", nowMs - EARLY_EVENT_MS);
  }

  async #bind(env: Env, tenant: string): Promise<void> {
    const types = this.#sql
      .exec<{ type: string }>(
        "SELECT DISTINCT type FROM (SELECT type FROM awaitable UNION SELECT type FROM awaits) ORDER BY type",
      )
      .toArray()
      .map(({ type }) => type);
    const name = JSON.stringify(types);
    if (this.#kv.get<string>(BOUND) === name) return;
    const of = { tenant, id: AWAITED_SUBSCRIPTION };
    const bound = await putHidden(env, of, awaitedSubscription(types), Date.now());
    if (bound) this.#kv.put(BOUND, name);
  }

  #awaitsOf(correlationId: string | undefined): readonly AwaitRow[] {
    return this.#sql
      .exec<AwaitRow>("SELECT * FROM awaits WHERE correlation IS ?", correlationId ?? null)
      .toArray();
  }

  #earlyOf({ type, correlationId, sinceMs }: AwaitedEvent): readonly EarlyRow[] {
    return this.#sql
      .exec<EarlyRow>(
        "SELECT * FROM early WHERE correlation IS ? ORDER BY n",
        correlationId ?? null,
      )
      .toArray()
      .filter((row) =>
        isAwaited({ type, correlationId, sinceMs }, { ...row, correlationId, atMs: row.at }),
      );
  }

  #atOf(key: string): number | undefined {
    return this.#sql.exec<{ at: number }>("SELECT at FROM early WHERE key = ?", key).toArray()[0]
      ?.at;
  }

  #keepEarly({ tenant, key, type, correlationId, data }: ArrivedEvent, nowMs: number): void {
    this.#sql.exec(
      `INSERT INTO early (key, type, correlation, at, data) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (key) DO NOTHING`,
      ...[key, type, correlationId ?? null, nowMs, data],
    );
    this.prune(nowMs);
    const { events, chars } = this.#sql
      .exec<{ events: number; chars: number }>(
        "SELECT count(*) AS events, coalesce(sum(length(data)), 0) AS chars FROM early",
      )
      .one();
    if (events <= EARLY_EVENTS_MAX && chars <= EARLY_EVENTS_CHARS_MAX) return;
    this.#sql.exec(
      "DELETE FROM early WHERE n IN (SELECT n FROM early ORDER BY n LIMIT ?)",
      Math.ceil(events / 10),
    );
    count("awaited_events_total", { tenant, outcome: "crowded_out" });
  }
}

/** The event that started the run is not one that it waits for. */
async function isOwn(
  tenant: string,
  { run, workflow }: Pick<AwaitedEvent, "run" | "workflow">,
  key: string,
): Promise<boolean> {
  return (await runIdOf(tenant, workflow, key)) === run;
}
