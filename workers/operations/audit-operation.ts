/**
 * Every operation that may change something leaves one entry in the audit trail, when it has been answered. Called
 * where all routes are run, so that no route can forget it.
 */
import type { AuditActorKind, AuditOutcome } from "../../domain/audit/entry.ts";
import { HUB_TRAIL } from "../../domain/audit/entry.ts";
import { isSafeText } from "../../domain/observability/safe-value.ts";
import { noteAudit } from "../../platform/audit-buffer.ts";
import type { Caller } from "../http/authenticate.ts";
import { toProblem } from "../http/problem.ts";
import type { AnyRoute } from "../http/route.ts";

/**
 * Operations whose every success is a row that names it: a message, an event, a delivery or a run, each with its own
 * record of what became of it. Their traffic would be most of the trail, and said twice.
 */
export const OWN_ROWS: ReadonlySet<string> = new Set([
  "sendMessage",
  "takeUnifiedMessage",
  "publishEvents",
  "leaseDeliveries",
  "settleDeliveries",
  "startRun",
]);

/** Reads that give out more than they look at: a way into an account, or the trail itself. */
export const NOTED_READS: ReadonlySet<string> = new Set([
  "getInstanceQr",
  "startSlackInstall",
  "exportAudit",
]);

/** Refused before anything is looked at, as often as somebody likes: counted, never noted. */
const FLOODS: readonly number[] = [429];
/** Parameters that may hold what a tenant calls its own people or things: they stand as a fingerprint. */
const PRIVATE_PARAMS: ReadonlySet<string> = new Set(["item", "partition", "path"]);
const FINGERPRINT_CHARS = 16;
/** A longer answer is not looked at for the id of what was made. */
const ANSWER_CHARS_MAX = 65_536;

export interface OperationCall {
  readonly params: Readonly<Record<string, string>>;
  readonly nowMs: number;
  readonly traceId: string;
}

/** What is learned of an operation while it runs. */
export interface OperationNote {
  /** Set as soon as the tenant is known and the caller may act for it. */
  tenant?: string;
}

export function isNoted({ id, method, access }: AnyRoute): boolean {
  if (access === "public") return false;
  return NOTED_READS.has(id) || (method !== "get" && !OWN_ROWS.has(id));
}

/** Notes an answer, of which it takes a copy before it first waits. Never rejects. */
export async function noteAnswer(
  spec: AnyRoute,
  call: OperationCall,
  caller: Caller,
  { tenant }: OperationNote,
  response: Response,
  endMs: number,
): Promise<void> {
  const made = await madeId(response);
  const target = { ...(await targetOf(call.params)), ...(made === undefined ? {} : { made }) };
  const { status } = response;
  note(spec, call, caller, tenant, { target, status, outcome: outcomeOf(status), endMs });
}

/** Notes a refusal, unless there can be any number of them. Never rejects. */
export async function noteRefusal(
  spec: AnyRoute,
  call: OperationCall,
  caller: Caller,
  error: unknown,
  endMs: number,
): Promise<void> {
  const { status, code } = toProblem(error);
  if (FLOODS.includes(status)) return;
  const target = await targetOf(call.params);
  // Nobody knows whether there is such a tenant: what the operator tried in vain stands in the hub's own trail.
  note(spec, call, caller, undefined, { target, status, code, outcome: outcomeOf(status), endMs });
}

function note(
  spec: AnyRoute,
  { nowMs, traceId }: OperationCall,
  caller: Caller,
  tenant: string | undefined,
  end: {
    readonly target: Readonly<Record<string, string>>;
    readonly status: number;
    readonly code?: string;
    readonly outcome: AuditOutcome;
    readonly endMs: number;
  },
): void {
  const { endMs, ...how } = end;
  noteAudit(trailOf(spec, caller, tenant), {
    ...{ atMs: endMs, actor: actorOf(caller), action: spec.id, trace: traceId },
    ...{ durationMs: Math.max(0, endMs - nowMs), ...how },
  });
}

/** A key's doings stand in its own tenant's trail, whatever it asked for; what only the operator may do in the hub's. */
function trailOf({ access }: AnyRoute, caller: Caller, tenant: string | undefined): string {
  if (caller.kind === "tenant") return caller.tenant;
  const isHubs = access !== "public" && access.tenant === "operator";
  return isHubs || !tenant ? HUB_TRAIL : tenant;
}

function actorOf(caller: Caller): { readonly kind: AuditActorKind; readonly id?: string } {
  return caller.kind === "operator" ? { kind: "operator" } : { kind: "key", id: caller.keyId };
}

function outcomeOf(status: number): AuditOutcome {
  if (status >= 500) return "failed";
  return status >= 400 ? "refused" : "ok";
}

async function targetOf(
  params: OperationCall["params"],
): Promise<Readonly<Record<string, string>>> {
  const target: Record<string, string> = {};
  for (const [name, value] of Object.entries(params))
    target[name] = PRIVATE_PARAMS.has(name) ? await fingerprint(value) : value;
  return target;
}

/** The same for the same text: enough to find its entries, where one knows it. */
async function fingerprint(text: string): Promise<string> {
  const bytes = new TextEncoder().encode(text);
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return `sha256.${digest.toHex().slice(0, FINGERPRINT_CHARS)}`;
}

/** The id of what was made, as its answer gives it. */
async function madeId(response: Response): Promise<string | undefined> {
  const type = response.headers.get("content-type") ?? "";
  if (![201, 202].includes(response.status) || !type.includes("json")) return undefined;
  try {
    const text = await response.clone().text();
    const body: unknown = text.length > ANSWER_CHARS_MAX ? undefined : JSON.parse(text);
    if (typeof body !== "object" || body === null || !("id" in body)) return undefined;
    return typeof body.id === "string" && isSafeText(body.id) ? body.id : undefined;
  } catch {
    return undefined;
  }
}
