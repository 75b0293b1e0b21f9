/**
 * Defaults and bounds of a tenant's configuration, apart from the zod schema: the acknowledgement
 * path reads stored tenants with these numbers and must not load zod for it.
 */

import type { TurnPolicy } from "./policy.ts";
import type { Route } from "./route.ts";

export const DEFAULT_POLICY: TurnPolicy = { kind: "burst" };
/** A tenant with no route anywhere stays silent: messages are stored and nobody answers. */
export const DEFAULT_ROUTE: Route = { kind: "silence" };

/** A conversation without a message for this long starts a new session. */
export const SESSION_IDLE_MS_DEFAULT = 1_800_000;
export const SESSION_IDLE_MS_MAX = 30 * 86_400_000;

/** Messages of a conversation an agent is shown. */
export const HISTORY_WINDOW_DEFAULT = 20;
export const HISTORY_WINDOW_MAX = 100;

export const REQUESTS_PER_MINUTE_DEFAULT = 6000;
export const MESSAGES_PER_MINUTE_DEFAULT = 6000;
export const PER_MINUTE_MAX = 1_000_000;
