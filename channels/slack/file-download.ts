/**
 * How the bytes of a file are had from Slack: a private URL with the bot token, and for files known by id
 * only, `files.info` first (Slack docs: Working with files). A wrong token gets a login page with status
 * 200, so the caller must compare media types with `isLoginPage`.
 */
import type { Connection, SlackConnection } from "../../schema/connection.ts";
import type { MediaSource } from "../../schema/message.ts";
import type { OutboundRequest } from "../../schema/outbound.ts";
import { fieldsOf } from "../shared/fields.ts";
import { CALL_TIMEOUT_MS, SLACK_ORIGIN, UPLOAD_TIMEOUT_MS } from "./api.ts";
import { isSlackFileUrl, mediaOf } from "./files.ts";

/** The bytes of a `url` source; undefined where the token must not go to that host or there is no token. */
export function fileRequest(
  url: string,
  connection: Connection<SlackConnection>,
): OutboundRequest | undefined {
  const token = connection.credentials.botToken;
  if (!token || !isSlackFileUrl(url, connection.baseUrl)) {
    return undefined;
  }
  return {
    step: "file",
    method: "GET",
    url,
    headers: { authorization: `Bearer ${token}` },
    body: { as: "none" },
    timeoutMs: UPLOAD_TIMEOUT_MS,
    idempotent: true,
  };
}

/** `files.info` for a `platform` source. */
export function fileInfoRequest(
  id: string,
  connection: Connection<SlackConnection>,
): OutboundRequest | undefined {
  const token = connection.credentials.botToken;
  if (!token) {
    return undefined;
  }
  const base = (connection.baseUrl ?? SLACK_ORIGIN).replace(/\/$/, "");
  return {
    step: "file_info",
    method: "POST",
    url: `${base}/api/files.info`,
    headers: { authorization: `Bearer ${token}` },
    body: { as: "form", fields: { file: id } },
    timeoutMs: CALL_TIMEOUT_MS,
    idempotent: true,
  };
}

/** The source that `files.info` leads to: a `url`, or `refused` with Slack's or our reason. */
export function readFileInfo(
  status: number,
  body: string,
  connection: Connection<SlackConnection>,
): MediaSource {
  const answer = status === 200 ? parseObject(body) : undefined;
  if (answer?.ok !== true) {
    const error = answer?.error;
    const named = typeof error === "string" && /^[a-z0-9_]{1,64}$/.test(error);
    return { from: "refused", reason: named ? error : `http_${status}` };
  }
  const source = mediaOf([answer.file], connection.baseUrl)[0]?.source;
  return source === undefined || source.from === "platform"
    ? { from: "refused", reason: "external_file" }
    : source;
}

/** Whether an answer is Slack's sign-in page instead of the file: HTML where no HTML was expected. */
export function isLoginPage(answered: string | null, expected: string | undefined): boolean {
  return (answered ?? "").startsWith("text/html") && expected !== "text/html";
}

function parseObject(body: string) {
  try {
    return fieldsOf(JSON.parse(body));
  } catch {
    return undefined;
  }
}
