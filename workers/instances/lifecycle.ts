/**
 * The life of a connection at its platform, in the same six verbs for every platform. Each platform's
 * file describes how; what a failure means for the caller is decided here once.
 */

import type { QrCode } from "../../channels/whatsapp/instances.ts";
import { HubError } from "../../domain/errors.ts";
import type { Result } from "../../domain/result.ts";
import type { ConnectionInput } from "../../schema/connection.ts";
import type { OutboundRequest } from "../../schema/outbound.ts";
import type { ApiDeps } from "../http/deps.ts";

/** What the platform says of the connection now. */
export interface InstanceReport {
  readonly state: "open" | "connecting" | "closed" | "revoked" | "unknown";
  readonly detail?: string;
  readonly qr?: QrCode;
  /** A page on which a person goes on: Slack's consent, Discord's invitation. */
  readonly continueUrl?: string;
  /** Members learned from the platform, to be stored with the connection. */
  readonly learned?: Readonly<Record<string, string>>;
}

export interface Lifecycle<C extends ConnectionInput = ConnectionInput> {
  /** Makes it at the platform and registers our webhook. The connection is stored already, so that webhooks may come. */
  create(world: World, connection: C, options: CreateOptions): Promise<InstanceReport>;
  state(world: World, connection: C): Promise<InstanceReport>;
  connect(world: World, connection: C, options: CreateOptions): Promise<InstanceReport>;
  restart(world: World, connection: C): Promise<InstanceReport>;
  logout(world: World, connection: C): Promise<InstanceReport>;
  /** Done too where the platform no longer knows it. */
  remove(world: World, connection: C): Promise<void>;
}

interface CreateOptions {
  readonly number?: string;
  /** Where a person installs the app, for platforms that need it. */
  readonly installUrl?: string;
}

/** What a life cycle may use: the network, and our address for this connection. */
export interface World {
  readonly callOnce: ApiDeps["callOnce"];
  readonly webhookUrl: string;
}

interface Failure {
  readonly reason: string;
  readonly detail?: string;
  readonly code?: string;
}

/** Makes one call and reads it; a failure of either is thrown as the error the caller gets. */
export async function ask<T>(
  world: World,
  request: OutboundRequest,
  read: (status: number, body: string) => Result<T, Failure>,
): Promise<T> {
  const result = await tryAsk(world, request, read);
  if (!result.ok) throw refusal(result.failure);
  return result.value;
}

/** Like `ask`, with failures as values. */
export async function tryAsk<T>(
  world: World,
  request: OutboundRequest,
  read: (status: number, body: string) => Result<T, Failure>,
): Promise<Result<T, Failure>> {
  const answer = await world.callOnce(request);
  if (answer.ok) return read(answer.status, answer.body);
  return { ok: false, failure: { reason: answer.reason } };
}

/** No retry is made here: the caller sees what the platform said and decides. */
export function refusal(failure: Failure): HubError {
  const said = failure.detail ?? failure.code;
  const extensions = { platform: { reason: failure.reason, ...(said ? { detail: said } : {}) } };
  switch (failure.reason) {
    case "timeout":
      return new HubError("upstream_timeout", said);
    case "name_taken":
      return new HubError("conflict", "the platform has an instance of this name", { extensions });
    case "not_found":
    case "unauthorized":
    case "denied":
    case "refused":
      return new HubError("unprocessable", "the platform refused", { extensions });
    default:
      return new HubError("upstream_failed", said);
  }
}
