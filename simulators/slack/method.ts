/** What every Web API method is given and gives: arguments, and `{ok}` answers that are HTTP 200 even when they fail. */
import { asRecord, asText, type SimRequest } from "../http.ts";
import type { Team, World } from "./world.ts";

export interface MethodCall {
  readonly world: World;
  readonly team: Team;
  readonly args: Readonly<Record<string, unknown>>;
  /** The token it was called with: one of the team's. */
  readonly token: string;
}

/** The answer's body; `ok` is added where it is missing. */
export type Answer = Readonly<Record<string, unknown>>;
export type Method = (call: MethodCall) => Answer;

/** `{ok: false, error}`. */
export function refuse(error: string): Answer {
  return { ok: false, error };
}

/** Arguments of a request: JSON body, form, or query; values that hold JSON in forms are parsed on use. */
export function argumentsOf(request: SimRequest): Record<string, unknown> {
  const body = asRecord(request.body);
  const fromQuery = Object.fromEntries(request.query.entries());
  return request.raw.length === 0 ? fromQuery : body;
}

/** An argument that is an object: given as such (JSON) or as a JSON string (form). */
export function structured(value: unknown): unknown {
  if (typeof value !== "string") return value;
  try {
    return JSON.parse(value);
  } catch {
    return undefined;
  }
}

/** The bearer token of a request, or its `token` argument. */
export function tokenOf(request: SimRequest): string | undefined {
  const header = request.headers.authorization ?? "";
  if (header.startsWith("Bearer ")) return header.slice("Bearer ".length);
  return asText(argumentsOf(request).token);
}

/** Booleans arrive as such or as "true"/"1". */
export function flag(value: unknown): boolean {
  return value === true || value === "true" || value === "1" || value === 1;
}
