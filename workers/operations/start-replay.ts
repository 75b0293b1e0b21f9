/** Begins replays: checks what is asked, says what it would come to, or hands it to an object of its own. */
import { HubError } from "../../domain/errors.ts";
import type { EventsSpec, Job, LettersSpec } from "../../domain/events/replay/job.ts";
import { secondsLeft } from "../../domain/events/replay/pace.ts";
import { checkBindingKey } from "../../domain/events/topic.ts";
import { mintId } from "../../domain/messaging/message-id.ts";
import { insist } from "../../platform/conversations.ts";
import { databaseFor } from "../../platform/database.ts";
import { dryRunReplay } from "../../platform/replay-dry-run.ts";
import { replayOf } from "../../platform/replays.ts";
import {
  countDeadLetters,
  deadLetterIds,
} from "../../platform/repositories/dead-letter-queries.ts";
import { openReplays, type ReplayRow } from "../../platform/repositories/replays.ts";
import { findSubscription } from "../../platform/repositories/subscriptions.ts";
import type { LettersReplay } from "../../schema/api/dead-letters.ts";
import type { ReplayView, StartReplay } from "../../schema/api/replays.ts";
import type { Subscription } from "../../schema/subscription.ts";
import type { ApiDeps } from "../http/deps.ts";
import { wantingWords } from "./refusal-words.ts";

/** Replays of one tenant that have not ended. */
export const REPLAYS_OPEN_MAX = 10;
/** Ids that a dry run names. */
const FIRST_MAX = 10;

/** What a caller asked for, within one tenant. */
interface Asked<Body> {
  readonly tenant: string;
  readonly body: Body;
  readonly nowMs: number;
}

/** Throws bad_request, unprocessable or conflict. */
export async function startEventsReplay(
  deps: ApiDeps,
  asked: Asked<StartReplay>,
): Promise<{ readonly status: 200 | 202; readonly answer: unknown }> {
  const { tenant, body } = asked;
  const spec = eventsSpec(asked);
  const chooser = await needNamed(deps, tenant, spec.subscription, "#/subscription");
  await needNamed(deps, tenant, spec.target, "#/target");
  if (!body.dry_run) return { status: 202, answer: await start(deps, asked, spec) };
  const found = await dryRunReplay(deps.env, { tenant, chooser }, spec);
  if (!found.ok) throw new HubError("unprocessable", found.failure.reason);
  return { status: 200, answer: { dry_run: true, ...found.value } };
}

/** Throws conflict. */
export async function startLettersReplay(
  deps: ApiDeps,
  asked: Asked<LettersReplay>,
): Promise<{ readonly status: 200 | 202; readonly answer: unknown }> {
  const { tenant, body } = asked;
  const spec = lettersSpec(asked);
  if (!body.dry_run) return { status: 202, answer: await start(deps, asked, spec) };
  return { status: 200, answer: await dryRunLetters(deps, tenant, spec) };
}

async function dryRunLetters({ env }: ApiDeps, tenant: string, spec: LettersSpec) {
  const { ids, filter, limit } = spec;
  const db = databaseFor(env, tenant);
  const query = { ...filter, ids, tenant, open: true } as const;
  const [matched, first] = await Promise.all([
    countDeadLetters(db, { ...query, limit }),
    deadLetterIds(db, { ...query, afterId: "", limit: Math.min(limit, FIRST_MAX) }),
  ]);
  return { dry_run: true, matched, looked: matched, complete: true, first };
}

async function start(
  { env }: ApiDeps,
  { tenant, nowMs }: Asked<unknown>,
  spec: EventsSpec | LettersSpec,
): Promise<ReplayView> {
  if ((await openReplays(databaseFor(env, tenant), tenant)) >= REPLAYS_OPEN_MAX)
    throw new HubError("conflict", `${REPLAYS_OPEN_MAX} replays have not ended yet`);
  const id = mintId("rpl", nowMs, Math.random);
  const job = { tenant, id, spec, createdAtMs: nowMs };
  return jobView(await insist(() => replayOf(env, tenant, id).start(job)));
}

function eventsSpec({ body, nowMs }: Asked<StartReplay>): EventsSpec {
  const sinceMs = Date.parse(body.since);
  const untilMs = body.until === undefined ? nowMs : Date.parse(body.until);
  if (untilMs > nowMs) throw refusal("#/until", "is in the future");
  if (sinceMs >= untilMs) throw refusal("#/since", "is not before until");
  for (const [at, type] of (body.types ?? []).entries()) {
    const checked = checkBindingKey(type);
    if (!checked.ok) throw refusal(`#/types/${at}`, wantingWords(checked.failure.reason));
  }
  const { subscription, types, partition } = body;
  return {
    ...{ kind: "events", sinceMs, untilMs, subscription, target: body.target ?? subscription },
    ...(types === undefined ? {} : { types }),
    ...(partition === undefined ? {} : { partition }),
    ratePerSecond: body.rate,
  };
}

function lettersSpec({ body, nowMs }: Asked<LettersReplay>): LettersSpec {
  const { ids, filter, limit, rate } = body;
  const base = { kind: "dead_letters", limit, ratePerSecond: rate } as const;
  if (ids) return { ...base, ids: [...new Set(ids)] };
  const { since, until, ...rest } = filter ?? {};
  const untilMs = until === undefined ? nowMs : Math.min(Date.parse(until), nowMs);
  const sinceMs = since === undefined ? {} : { sinceMs: Date.parse(since) };
  return { ...base, filter: { ...rest, ...sinceMs, untilMs } };
}

async function needNamed(
  { env }: ApiDeps,
  tenant: string,
  id: string,
  pointer: string,
): Promise<Subscription> {
  const stored = await findSubscription(databaseFor(env, tenant), tenant, id);
  if (stored) return stored.subscription;
  const errors = [{ pointer, detail: "no such subscription" }];
  throw new HubError("unprocessable", "subscription_gone", { extensions: { errors } });
}

function refusal(pointer: string, detail: string): HubError {
  return new HubError("bad_request", undefined, { extensions: { errors: [{ pointer, detail }] } });
}

/** A job as the API shows it. */
export function jobView(job: Job): ReplayView {
  const { progress, spec } = job;
  const isRunning = job.state === "running";
  return {
    ...{ id: job.id, tenant: job.tenant, kind: spec.kind, state: job.state },
    reason: job.reason ?? null,
    spec: specView(spec),
    done: progress.looked,
    total: progress.total ?? null,
    replayed: progress.sent,
    rate: isRunning ? Math.round(progress.ratePerSecond * 10) / 10 : null,
    seconds_left: isRunning ? (secondsLeft(progress) ?? null) : null,
    created_at: new Date(job.createdAtMs).toISOString(),
    updated_at: new Date(job.updatedAtMs).toISOString(),
  };
}

/** The same from its row, which knows less. */
export function rowView(row: ReplayRow): ReplayView {
  return {
    ...{ id: row.id, tenant: row.tenant_id, kind: row.kind, state: row.state },
    reason: row.reason,
    spec: specView(JSON.parse(row.spec) as EventsSpec | LettersSpec),
    ...{ done: row.done, total: row.total, replayed: null, rate: null, seconds_left: null },
    created_at: new Date(row.created_at).toISOString(),
    updated_at: new Date(row.updated_at).toISOString(),
  };
}

/** In the words of the request. */
function specView(spec: EventsSpec | LettersSpec): Record<string, unknown> {
  if (spec.kind === "events") {
    const { subscription, target, types, partition } = spec;
    const since = new Date(spec.sinceMs).toISOString();
    const until = new Date(spec.untilMs).toISOString();
    return given({
      since,
      until,
      subscription,
      target,
      types,
      partition,
      rate: spec.ratePerSecond,
    });
  }
  const { ids, filter, limit } = spec;
  return given({ ids, filter: filter && filterView(filter), limit, rate: spec.ratePerSecond });
}

function filterView({ sinceMs, untilMs, ...rest }: NonNullable<LettersSpec["filter"]>) {
  const since = sinceMs === undefined ? undefined : new Date(sinceMs).toISOString();
  return given({ ...rest, since, until: new Date(untilMs).toISOString() });
}

function given(members: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));
}
