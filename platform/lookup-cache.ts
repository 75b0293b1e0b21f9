/**
 * A bounded memory of lookups with a time to live. Callers that ask while the answer is on its way
 * share it; failures are never kept. "Nothing found" is kept for a short time only, so that a new
 * connection works at once.
 */

const ENTRIES_MAX = 5000;
const NEGATIVE_TTL_MS = 5000;
/** A shared lookup belongs to another request, which may be cancelled: after this long a waiter asks by itself. */
const SHARED_WAIT_MS = 1000;

export interface LookupCache<T> {
  get(key: string, nowMs: number, load: () => Promise<T>): Promise<T>;
  /** Drops the entries `which` is true of. */
  drop(which: (value: T) => boolean): void;
}

/** `ttlMs` 0 keeps nothing. Undefined and empty arrays count as negative answers. */
export function createLookupCache<T>(ttlMs: number): LookupCache<T> {
  const entries = new Map<string, { value: T; untilMs: number }>();
  const pending = new Map<string, Promise<T>>();
  let epoch = 0;

  async function load(key: string, nowMs: number, fetchValue: () => Promise<T>): Promise<T> {
    const startedIn = epoch;
    const value = await fetchValue();
    const keepMs = isNegative(value) ? Math.min(NEGATIVE_TTL_MS, ttlMs) : ttlMs;
    // A drop while the answer was on its way makes it doubtful: used once, not kept.
    if (keepMs > 0 && startedIn === epoch) {
      if (entries.size >= ENTRIES_MAX) entries.delete(entries.keys().next().value ?? "");
      entries.set(key, { value, untilMs: nowMs + keepMs });
    }
    return value;
  }

  async function loadShared(key: string, nowMs: number, fetchValue: () => Promise<T>): Promise<T> {
    const loading = load(key, nowMs, fetchValue);
    pending.set(key, loading);
    try {
      return await loading;
    } finally {
      if (pending.get(key) === loading) pending.delete(key);
    }
  }

  return {
    async get(key, nowMs, fetchValue) {
      const entry = entries.get(key);
      if (entry && nowMs < entry.untilMs) return entry.value;
      entries.delete(key);
      const shared = pending.get(key);
      const joined = shared && (await settledWithin(shared, SHARED_WAIT_MS));
      return joined ? joined.value : loadShared(key, nowMs, fetchValue);
    },
    drop(which) {
      epoch += 1;
      pending.clear();
      for (const [key, entry] of entries) if (which(entry.value)) entries.delete(key);
    },
  };
}

/** The value if it comes in time; undefined if it is late or fails, so that the caller loads by itself. */
async function settledWithin<T>(
  shared: Promise<T>,
  waitMs: number,
): Promise<{ readonly value: T } | undefined> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), waitMs);
  });
  const inTime = shared.then(
    (value) => ({ value }),
    () => undefined,
  );
  const first = await Promise.race([inTime, late]);
  clearTimeout(timer);
  return first;
}

function isNegative(value: unknown): boolean {
  return value === undefined || (Array.isArray(value) && value.length === 0);
}
