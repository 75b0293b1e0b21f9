/** Reads what the database said when a constraint refused a write. The only place that knows its wording. */
import type { HubError } from "../../domain/errors.ts";

/** Runs a write; a refused unique or not-null column becomes the error `refusals` has for it (`table.column`). */
export async function guarded<T>(
  write: Promise<T>,
  refusals: Readonly<Record<string, HubError>>,
): Promise<T> {
  try {
    return await write;
  } catch (error) {
    const text = error instanceof Error ? `${error.message} ${causeOf(error)}` : "";
    const columns = /(?:UNIQUE|NOT NULL) constraint failed: ([\w., ]+)/.exec(text)?.[1] ?? "";
    const refused = Object.entries(refusals).find(([column]) => columns.includes(column));
    throw refused?.[1] ?? error;
  }
}

function causeOf(error: Error): string {
  return error.cause instanceof Error ? error.cause.message : "";
}
