/** A tiny HTTP listener for simulator tests: keeps what it was sent, answers from a list of statuses. */
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";

export interface Heard {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly raw: string;
  readonly body: Record<string, unknown>;
  readonly at: number;
}

export interface Listener {
  readonly url: string;
  readonly heard: Heard[];
  /** Statuses of the next answers; 200 when there are none left. */
  answers: number[];
  /** Headers of every answer. */
  answerHeaders: Record<string, string>;
  /** Waits until `test` holds; fails after two seconds. */
  until(test: (heard: Heard[]) => boolean): Promise<void>;
  stop(): Promise<void>;
}

export async function listen(): Promise<Listener> {
  const heard: Heard[] = [];
  const listener = { answers: [] as number[], answerHeaders: {} as Record<string, string> };
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const raw = Buffer.concat(chunks).toString("utf8");
    const json = raw.startsWith("{") ? (JSON.parse(raw) as Record<string, unknown>) : {};
    heard.push({
      path: request.url ?? "",
      headers: request.headers,
      raw,
      body: json,
      at: Date.now(),
    });
    response.writeHead(listener.answers.shift() ?? 200, listener.answerHeaders).end("ok");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return Object.assign(listener, {
    url: `http://127.0.0.1:${port}`,
    heard,
    until: async (test: (heard: Heard[]) => boolean) => {
      const deadline = Date.now() + 2_000;
      while (!test(heard)) {
        if (Date.now() > deadline) throw new Error(`not heard in time; heard ${heard.length}`);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    },
    stop: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  });
}
