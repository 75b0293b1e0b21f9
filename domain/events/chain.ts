/**
 * Chains of events: how often the hub went on by itself (started a run, put a message into a conversation) on the way
 * to an event. Every such step makes what comes of it one deeper, and at `EVENT_DEPTH_MAX` there is no further one:
 * events that lead to themselves, over whatever detour, come to an end.
 */
import type { EventEnvelope, EventMetadata } from "../../schema/event.ts";
import { EVENT_DEPTH_MAX } from "../../schema/event-depth.ts";
import { fail, ok, type Result } from "../result.ts";

export interface ChainFailure {
  readonly reason: "chain_too_long";
}

/** Of an event. What was stored before there were depths has none, and counts as the beginning of its chain. */
export function chainDepth({ metadata }: Pick<EventEnvelope, "metadata">): number {
  return metadata.depth ?? 0;
}

/** How deep that is which something of this depth leads to. Fails where the chain ends. */
export function depthBehind(before: number | undefined): Result<number, ChainFailure> {
  const depth = (before ?? 0) + 1;
  return depth > EVENT_DEPTH_MAX ? fail({ reason: "chain_too_long" }) : ok(depth);
}

/** As events, messages and runs carry it: the beginning of a chain is not written down. */
export function carried(depth: number | undefined): { readonly depth?: number } {
  return depth === undefined || depth <= 0 ? {} : { depth };
}

/**
 * An event that somebody hands in. It is as deep as they say, and behind every event that they say has caused it
 * (`causes`: those that the hub knows by that id), whatever they say.
 */
export function deepened(
  metadata: EventMetadata,
  causes: readonly Pick<EventEnvelope, "metadata">[],
): Result<EventMetadata, ChainFailure> {
  const { depth: said, ...rest } = metadata;
  const depth = Math.max(said ?? 0, ...causes.map((cause) => chainDepth(cause) + 1));
  if (depth > EVENT_DEPTH_MAX) return fail({ reason: "chain_too_long" });
  return ok({ ...rest, ...carried(depth) });
}

/** As deep as the deepest of these. */
export function deepest(depths: readonly (number | undefined)[]): { readonly depth?: number } {
  return carried(Math.max(0, ...depths.map((depth) => depth ?? 0)));
}
