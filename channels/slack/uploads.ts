/**
 * Files to Slack in three steps each: reserve an upload URL, post the bytes there, then share all of them
 * in the conversation (Slack docs: Uploading files). Slack must know a file's length beforehand: a file
 * of unknown length is linked when it has a public URL, and refused when it has none.
 */
import type { OutboundContent, OutboundMedia, StepResponse } from "../../schema/outbound.ts";
import { apiCall, CALL_TIMEOUT_MS, type SendTarget, UPLOAD_TIMEOUT_MS } from "./api.ts";
import type { Step } from "./steps.ts";

type MediaContent = Extract<OutboundContent, { type: "media" }>;
type Sized = OutboundMedia & { readonly size_bytes: number };

/** Upload URLs are believed on Slack's own hosts and on the API's own origin only. */
const UPLOAD_HOST = /^(?:[a-z0-9-]+\.)*slack\.com$/;

/** The files that can be uploaded. */
export function uploadable(content: MediaContent): readonly Sized[] {
  return content.media.filter((media): media is Sized => media.size_bytes !== undefined);
}

/** Whether some file can be neither uploaded nor linked. */
export function hasUnsendable(content: MediaContent): boolean {
  return content.media.some(
    (media) => media.size_bytes === undefined && media.source.from !== "url",
  );
}

/** The caption with links to the files that have to be linked, as Markdown. */
export function captionOf(content: MediaContent): string {
  const links = content.media.flatMap((media) =>
    media.size_bytes === undefined && media.source.from === "url"
      ? [`[${(media.file_name ?? media.kind).replace(/[[\]]/g, " ")}](${media.source.url})`]
      : [],
  );
  return [content.text ?? "", ...links].filter((line) => line !== "").join("\n\n");
}

/** The steps that share `files`, with the first part of the caption as their comment. */
export function uploadSteps(
  files: readonly Sized[],
  target: SendTarget,
  comment: string | undefined,
  done: ReadonlyMap<string, StepResponse>,
): readonly Step[] {
  const each = files.flatMap((file, index): Step[] => [
    { step: `upload_url:${index}`, build: () => reserveCall(target, file, index) },
    { step: `upload:${index}`, build: () => bytesCall(target, file, index, done) },
  ]);
  return [...each, { step: "complete", build: () => completeCall(target, files, comment, done) }];
}

function reserveCall(target: SendTarget, file: Sized, index: number) {
  return {
    step: `upload_url:${index}`,
    method: "POST",
    url: `${target.base}/api/files.getUploadURLExternal`,
    headers: { authorization: `Bearer ${target.token}` },
    body: { as: "form", fields: { filename: nameOf(file), length: String(file.size_bytes) } },
    timeoutMs: CALL_TIMEOUT_MS,
    idempotent: true,
  } as const;
}

function bytesCall(
  target: SendTarget,
  file: Sized,
  index: number,
  done: ReadonlyMap<string, StepResponse>,
) {
  const url = done.get(`upload_url:${index}`)?.data?.upload_url ?? "";
  if (!isUploadUrl(url, target.base)) {
    return { refused: "upload_url_not_slack" };
  }
  return {
    step: `upload:${index}`,
    method: "POST",
    url,
    headers: {},
    body: { as: "media", media: file, contentType: file.mime_type ?? "application/octet-stream" },
    timeoutMs: UPLOAD_TIMEOUT_MS,
    idempotent: true,
  } as const;
}

function completeCall(
  target: SendTarget,
  files: readonly Sized[],
  comment: string | undefined,
  done: ReadonlyMap<string, StepResponse>,
) {
  const json = {
    files: files.map((file, index) => ({
      id: done.get(`upload_url:${index}`)?.data?.file_id ?? "",
      title: nameOf(file),
    })),
    channel_id: target.channel,
    ...(target.thread === undefined ? {} : { thread_ts: target.thread }),
    ...(comment === undefined ? {} : { initial_comment: comment }),
  };
  return apiCall(target, "files.completeUploadExternal", "complete", json, false);
}

function isUploadUrl(url: string, base: string): boolean {
  const parsed = URL.parse(url);
  return (
    parsed !== null &&
    ((parsed.protocol === "https:" && UPLOAD_HOST.test(parsed.host)) ||
      parsed.origin === URL.parse(base)?.origin)
  );
}

function nameOf(file: OutboundMedia): string {
  return file.file_name ?? file.kind;
}
