/**
 * Runs a hub's schedules while it is up on this machine, where nobody else does. Minutes, hours, days,
 * months and weekdays as numbers, `*`, or steps of `*`, in UTC: what `wrangler.toml` uses.
 */

/** Calls `run` with each expression that is due, at the start of every minute. Returns how to stop. */
export function startClock(crons: readonly string[], run: (cron: string) => void): () => void {
  let timer: NodeJS.Timeout;
  const wait = (): void => {
    timer = setTimeout(
      () => {
        const now = new Date();
        for (const cron of crons.filter((expression) => isDue(expression, now))) {
          run(cron);
        }
        wait();
      },
      MINUTE_MS - (Date.now() % MINUTE_MS),
    );
  };
  wait();
  return () => clearTimeout(timer);
}

const MINUTE_MS = 60_000;

/** Whether an expression names this minute. Throws on what it does not understand. */
export function isDue(cron: string, at: Date): boolean {
  const fields = cron.trim().split(/\s+/);
  const values = [
    at.getUTCMinutes(),
    at.getUTCHours(),
    at.getUTCDate(),
    at.getUTCMonth() + 1,
    at.getUTCDay(),
  ];
  if (fields.length !== values.length) {
    throw new Error(`"${cron}" is not five fields`);
  }
  return fields.every((field, index) => matches(field, values[index] ?? 0));
}

function matches(field: string, value: number): boolean {
  const [, step, number] = /^(?:\*(?:\/(\d+))?|(\d+))$/.exec(field) ?? [field];
  if (step !== undefined) {
    return value % Number(step) === 0;
  }
  if (number !== undefined) {
    return value === Number(number);
  }
  if (field === "*") {
    return true;
  }
  throw new Error(`"${field}" is no number, * or */n`);
}
