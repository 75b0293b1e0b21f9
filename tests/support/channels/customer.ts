/** A server of a customer's own: keeps the raw bytes it got, and answers as told. */
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";

export interface CustomerCall {
  readonly headers: IncomingHttpHeaders;
  readonly raw: string;
}

export interface Customer {
  readonly server: Server;
  readonly url: string;
  readonly calls: CustomerCall[];
  /** Status and body of the next answers. */
  readonly answers: (readonly [number, unknown])[];
}

/** Starts one on 127.0.0.1; without an answer left it says `{}`. Close its `server`. */
export async function startCustomer(): Promise<Customer> {
  const calls: CustomerCall[] = [];
  const answers: (readonly [number, unknown])[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    calls.push({ headers: request.headers, raw: Buffer.concat(chunks).toString() });
    const [status, body] = answers.shift() ?? [200, {}];
    response.writeHead(status, { "content-type": "application/json" });
    response.end(status === 204 ? undefined : JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { server, url, calls, answers };
}

/** Headers as plain members, for libraries that want them so. */
export function plain(headers: IncomingHttpHeaders): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
}
