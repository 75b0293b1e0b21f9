/**
 * Sends what `fetch` refuses to: raw paths and headers, and bodies that are refused by their head. The body
 * follows its head only after a while, or a refusal would be lost in a connection that is written to and closed.
 */
import { type IncomingMessage, request } from "node:http";

export interface WireAnswer {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly text: string;
}

interface WireRequest {
  readonly method?: string;
  /** Sent as it stands, unencoded. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: string | Uint8Array;
  /** False: chunked, so that nobody knows the length beforehand. */
  readonly isLengthSaid?: boolean;
}

const HEAD_START_MS = 150;

/** Rejects where the connection ends without an answer. */
export function sendRaw(hubUrl: string, wire: WireRequest): Promise<WireAnswer> {
  const { hostname, port } = new URL(hubUrl);
  const { method = "GET", path, headers = {}, body, isLengthSaid = true } = wire;
  return new Promise((resolve, reject) => {
    const length =
      body === undefined || !isLengthSaid ? {} : { "content-length": Buffer.byteLength(body) };
    const sent = request({ hostname, port, method, path, headers: { ...length, ...headers } });
    let answered = false;
    sent.on("response", (response) => {
      answered = true;
      resolve(read(response).finally(() => sent.destroy()));
    });
    sent.on("error", (error) => (answered ? undefined : reject(error)));
    if (body === undefined) {
      sent.end();
      return;
    }
    sent.flushHeaders();
    setTimeout(() => (answered ? undefined : sent.end(body)), HEAD_START_MS);
  });
}

async function read(response: IncomingMessage): Promise<WireAnswer> {
  let text = "";
  response.setEncoding("utf8");
  for await (const chunk of response) text += chunk;
  return { status: response.statusCode ?? 0, headers: response.headers, text };
}
