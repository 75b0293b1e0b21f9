/** Command lines of the development programs: strict, so that a misspelt option is refused instead of ignored. */
import { type ParseArgsConfig, parseArgs } from "node:util";

/** A command line that cannot be followed. The message is for the person who typed it. */
export class UsageError extends Error {}

type Options = NonNullable<ParseArgsConfig["options"]>;

/** Parses options only (no positional arguments). Throws `UsageError`. */
export function parseOptions<T extends Options>(args: readonly string[], options: T) {
  try {
    return parseArgs({ args: [...args], options, strict: true, allowPositionals: false }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

/** A whole number within bounds from an option's text, or the fallback where it was not given. */
export function intOption(
  name: string,
  text: string | undefined,
  bounds: { readonly fallback: number; readonly min: number; readonly max: number },
): number {
  if (text === undefined) {
    return bounds.fallback;
  }
  const value = Number(text);
  if (!Number.isInteger(value) || value < bounds.min || value > bounds.max) {
    throw new UsageError(
      `--${name}: expected a whole number from ${bounds.min} to ${bounds.max}, not "${text}"`,
    );
  }
  return value;
}
