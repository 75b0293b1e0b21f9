/** What a replay would hand over, without handing anything over: bounded, so that it fits a request. */
import type { EventsSpec } from "../domain/events/replay/job.ts";
import { selectorOf, sourcesOf } from "../domain/events/replay/selection.ts";
import { nextSource, openWalk, takePage } from "../domain/events/replay/walk.ts";
import { ok, type Result } from "../domain/result.ts";
import type { Subscription } from "../schema/subscription.ts";
import { type ArchiveCache, type PageRead, readLogPage, type SourceRange } from "./replay-log.ts";
import { MESSAGE_SETTLE_MS, type MessagesFailure, readMessagePage } from "./replay-messages.ts";
import type { LoggedEvent } from "./repositories/events.ts";
import type { StoredMessage } from "./repositories/messages.ts";

/** Rows gone through at most. */
const ROWS_MAX = 5000;
const PAGE = 500;
/** Ids of events that are named. */
const FIRST_MAX = 10;

export interface DryRun {
  readonly matched: number;
  readonly looked: number;
  /** False where it stopped before the end. */
  readonly complete: boolean;
  readonly first: readonly string[];
}

/** Counts what stands in the log now. Rejects as D1 and R2 do. */
export async function dryRunReplay(
  env: SourceRange["env"],
  { tenant, chooser }: { readonly tenant: string; readonly chooser: Subscription },
  spec: EventsSpec,
): Promise<Result<DryRun, MessagesFailure>> {
  const { sinceMs, untilMs } = spec;
  const range = { env, tenant, shards: 1, sinceMs, untilMs, wanted: selectorOf(spec, chooser) };
  const read = pageReader(range);
  let walk = openWalk(sourcesOf(spec, chooser), sinceMs);
  let looked = 0;
  const first: string[] = [];
  for (let name = nextSource(walk); name && looked < ROWS_MAX; name = nextSource(walk)) {
    const page = await read(name, walk.sources[name] ?? { beforeMs: sinceMs, ended: false });
    if (!page.ok) return page;
    looked += page.value.looked;
    for (const { event } of page.value.found.slice(0, FIRST_MAX - first.length))
      first.push(event.event_id);
    walk = takePage(walk, page.value).walk;
  }
  const complete = nextSource(walk) === undefined;
  return ok({ matched: walk.ordinal, looked, complete, first });
}

/** What has not arrived in the database yet is not waited for. */
function pageReader(range: SourceRange) {
  const log: ArchiveCache<LoggedEvent> = {};
  const messages: ArchiveCache<StoredMessage> = {};
  const nowMs = Math.max(Date.now(), range.untilMs + MESSAGE_SETTLE_MS);
  return (
    name: "log" | "messages",
    at: Parameters<typeof readLogPage>[1],
  ): Promise<Result<PageRead, MessagesFailure>> =>
    name === "log"
      ? readLogPage(range, at, log, { limit: PAGE, nowMs, loggedMs: Infinity })
      : readMessagePage(range, at, messages, { limit: PAGE, nowMs });
}
