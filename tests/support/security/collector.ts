/** A collector of traces: keeps the raw bodies it got and says yes. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

export interface Collector {
  readonly url: string;
  readonly bodies: readonly string[];
  stop(): Promise<void>;
}

/** Starts one on 127.0.0.1. */
export async function startCollector(): Promise<Collector> {
  const bodies: string[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    bodies.push(JSON.stringify(request.headers) + Buffer.concat(chunks).toString());
    response.end("{}");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    bodies,
    stop: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
