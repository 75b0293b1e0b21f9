/**
 * Takes a message's file into our own store (R2), so that it outlives the platform's link. Whatever goes wrong
 * (too large, too slow, not what it claims, at an address we do not call) becomes the item's `refused`
 * source: the message itself is never lost.
 */
import { type MediaFetch, planUrl } from "../domain/media/fetch-plan.ts";
import { mediaKey } from "../domain/media/link.ts";
import { seqOfId } from "../domain/messaging/message-id.ts";
import type { ConnectionInput } from "../schema/connection.ts";
import type { Media } from "../schema/message.ts";
import type { Vars } from "../schema/vars.ts";
import { type EgressDeps, guardedFetch } from "./egress.ts";
import { deadline, readWhole, untilAborted } from "./http-deadline.ts";
import {
  MediaBroken,
  type Pieces,
  piecesOfBody,
  piecesOfJson,
  piecesOfText,
} from "./media-source.ts";
import { storePieces } from "./media-store.ts";

export interface MediaDeps {
  readonly store: R2Bucket;
  readonly vars: EgressDeps["vars"] & Pick<Vars, "MEDIA_BYTES_MAX" | "MEDIA_TIMEOUT_MS">;
  readonly fetch?: typeof fetch;
  readonly nowMs?: number;
}

export interface MediaItem {
  readonly tenant: string;
  /** Absent for a message taken in through the API. */
  readonly connection?: ConnectionInput;
  readonly messageId: string;
  /** Position among the message's files: part of the key, so that a repeated attempt overwrites itself. */
  readonly index: number;
  readonly media: Media;
  /** From `planMediaFetch`. */
  readonly fetchPlan: MediaFetch;
}

/** An answer of `files.info`, in bytes. */
const INFO_BYTES_MAX = 262_144;
/** Base64 in JSON is a third longer than the file, and there is something around it. */
const BASE64_SLACK_BYTES = 65_536;

/** The item with its source `stored` or `refused`. Never throws. */
export async function storeMedia(deps: MediaDeps, item: MediaItem): Promise<Media> {
  const { fetchPlan, media } = item;
  if (fetchPlan.kind === "none") return media;
  if (fetchPlan.kind === "refused") return refusedMedia(media, fetchPlan.reason);
  const signal = deadline(deps.vars.MEDIA_TIMEOUT_MS);
  try {
    return await untilAborted(store(deps, item, signal), signal);
  } catch (error) {
    return refusedMedia(media, reasonOf(error, signal));
  }
}

async function store(deps: MediaDeps, item: MediaItem, signal: AbortSignal): Promise<Media> {
  const { media, messageId, tenant, index } = item;
  const atMs = seqOfId(messageId) ?? deps.nowMs ?? Date.now();
  const key = mediaKey(tenant, atMs, messageId, index);
  const bytesMax = deps.vars.MEDIA_BYTES_MAX;
  if ((media.size_bytes ?? 0) > bytesMax) throw new MediaBroken("too_large");
  const pieces = await open(deps, item, item.fetchPlan, signal);
  const request = { key, kind: media.kind, claimed: media.mime_type, bytesMax };
  const file = await storePieces(deps.store, request, pieces, signal);
  return {
    ...media,
    source: { from: "stored", key },
    mime_type: file.mimeType,
    size_bytes: file.bytes,
  };
}

async function open(
  deps: MediaDeps,
  item: MediaItem,
  plan: MediaFetch,
  signal: AbortSignal,
): Promise<Pieces> {
  switch (plan.kind) {
    case "inline":
      return piecesOfText(plan.base64);
    case "bytes":
      return fetchedPieces(deps, plan, signal, item.media);
    case "evolution_base64": {
      const bytesMax = Math.ceil(deps.vars.MEDIA_BYTES_MAX / 3) * 4 + BASE64_SLACK_BYTES;
      return piecesOfJson(bodyOf(await called(deps, plan, bytesMax, signal)));
    }
    case "slack_info":
      return open(deps, item, await located(deps, item, plan, signal), signal);
    case "refused":
      throw new MediaBroken(plan.reason);
    case "none":
      throw new MediaBroken("nothing_to_fetch");
  }
}

type Request = Extract<MediaFetch, { readonly url: string }>;

/** A platform that wants a better token answers 200 with its login page: HTML where none was expected. */
async function fetchedPieces(
  deps: MediaDeps,
  request: Request,
  signal: AbortSignal,
  media: Media,
): Promise<Pieces> {
  const response = await called(deps, request, deps.vars.MEDIA_BYTES_MAX, signal);
  const isPage = /^text\/html\b/i.test(response.headers.get("content-type") ?? "");
  const withToken = request.headers.authorization !== undefined;
  if (isPage && withToken && !/html/i.test(media.mime_type ?? "html")) {
    await drop(response, "login_page");
  }
  return piecesOfBody(bodyOf(response), announcedBytes(response));
}

/** An answer with a good status that does not announce more than `bytesMax`. */
async function called(
  deps: MediaDeps,
  request: Request,
  bytesMax: number,
  signal: AbortSignal,
): Promise<Response> {
  const body = "body" in request ? { method: "POST", body: request.body } : {};
  const init = { headers: { "user-agent": "omni-edge", ...request.headers }, signal, ...body };
  const answer = await guardedFetch(request.url, init, deps);
  if (!answer.ok) {
    const { reason } = answer.failure;
    throw new MediaBroken(reason === "refused" ? "refused_url" : reason);
  }
  const response = answer.value;
  if (response.status >= 300 && response.status < 400) await drop(response, "redirected");
  if (!response.ok) await drop(response, `status_${response.status}`);
  if ((announcedBytes(response) ?? 0) > bytesMax) await drop(response, "too_large");
  return response;
}

function announcedBytes({ headers }: Response): number | undefined {
  const length = headers.get("content-length");
  if (headers.has("content-encoding") || !length || !/^\d{1,15}$/.test(length)) return undefined;
  return Number(length);
}

function bodyOf(response: Response): ReadableStream<Uint8Array> {
  if (!response.body) throw new MediaBroken("empty");
  return response.body;
}

/** Where `files.info` says a file is, judged like any other address. */
async function located(
  deps: MediaDeps,
  item: MediaItem,
  request: Request,
  signal: AbortSignal,
): Promise<MediaFetch> {
  const response = await called(deps, request, INFO_BYTES_MAX, signal);
  const text = await readWhole(response, INFO_BYTES_MAX, signal);
  const file = fieldsOf(fieldsOf(parsed(text ?? ""))?.file);
  const url = file?.url_private_download ?? file?.url_private;
  if (typeof url !== "string") throw new MediaBroken("no_file");
  return planUrl(item.connection, url);
}

async function drop(response: Response, reason: string): Promise<never> {
  await response.body?.cancel().catch(() => undefined);
  throw new MediaBroken(reason);
}

function reasonOf(error: unknown, signal: AbortSignal): string {
  if (signal.aborted) return "timeout";
  return error instanceof MediaBroken ? error.reason : "download_failed";
}

function refusedMedia(media: Media, reason: string): Media {
  return { ...media, source: { from: "refused", reason } };
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === "object" && value !== null
    ? (value as Record<string, unknown>)
    : undefined;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
