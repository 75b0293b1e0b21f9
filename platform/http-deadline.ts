/**
 * Limits on waiting and reading: one signal for a time limit, work that ends with it, and bodies of
 * which only the first bytes are read. Used by everything here that calls out.
 */

/**
 * Reads at most `bytesMax` bytes of a body as UTF-8 and cancels the rest. Rejects when `signal` fires
 * first, whether or not the stream listens to it.
 */
export async function readBounded(
  response: Response,
  bytesMax: number,
  signal?: AbortSignal,
): Promise<string> {
  if (!response.body) return "";
  const reader = response.body.getReader();
  const decoder = new TextDecoder();
  let text = "";
  let left = bytesMax;
  try {
    while (left > 0) {
      const { done, value } = await untilAborted(reader.read(), signal);
      if (done) return text + decoder.decode();
      text += decoder.decode(value.subarray(0, left), { stream: true });
      left -= value.byteLength;
    }
    return text;
  } finally {
    reader.cancel().catch(() => undefined);
  }
}

/** A whole body as UTF-8, or undefined where it is longer than `bytesMax`. Rejects like `readBounded`. */
export async function readWhole(
  response: Response,
  bytesMax: number,
  signal?: AbortSignal,
): Promise<string | undefined> {
  const text = await readBounded(response, bytesMax + 1, signal);
  // A replaced byte counts three here: such a body is not one we can use anyway.
  return new TextEncoder().encode(text).byteLength > bytesMax ? undefined : text;
}

/** The promise, or a rejection as soon as the signal fires. */
export async function untilAborted<T>(work: Promise<T>, signal?: AbortSignal): Promise<T> {
  if (!signal) return work;
  let abort: (() => void) | undefined;
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    if (abort) signal.removeEventListener("abort", abort);
    work.catch(() => undefined);
    aborted.catch(() => undefined);
  }
}

/** One signal for a time limit and whatever else may end the work. */
export function deadline(timeoutMs: number, signal?: AbortSignal): AbortSignal {
  const timeout = AbortSignal.timeout(timeoutMs);
  return signal ? AbortSignal.any([signal, timeout]) : timeout;
}
