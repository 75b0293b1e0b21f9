/**
 * The outgoing connections of one invocation. workerd opens six at once and lets further calls wait in silence
 * (Workers limits, "simultaneous open connections"), which would count against their time limit: here they wait
 * first, in turn, and not for long.
 */

/** Calls that may wait for their answer at once (Workers limits). */
const CONNECTIONS_MAX = 6;

export interface Connections {
  /** Waits for a connection, at most `waitMs`. Answers how to give it back; undefined where there is none by then. */
  enter(waitMs: number): Promise<(() => void) | undefined>;
}

/** One per invocation. */
export function openConnections(max: number = CONNECTIONS_MAX): Connections {
  let free = max;
  const waiting: (() => void)[] = [];
  const leave = () => {
    const next = waiting.shift();
    if (next) next();
    else free += 1;
  };
  return {
    enter(waitMs) {
      if (free > 0) {
        free -= 1;
        return Promise.resolve(once(leave));
      }
      return new Promise((resolve) => {
        const turn = () => {
          clearTimeout(timer);
          resolve(once(leave));
        };
        const timer = setTimeout(() => {
          waiting.splice(waiting.indexOf(turn), 1);
          resolve(undefined);
        }, waitMs);
        waiting.push(turn);
      });
    },
  };
}

function once(act: () => void): () => void {
  let done = false;
  return () => {
    if (!done) act();
    done = true;
  };
}
