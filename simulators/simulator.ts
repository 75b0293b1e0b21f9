/**
 * What all simulators share: an HTTP server on 127.0.0.1, the log of what it was asked, planned faults,
 * the media host and the side door under `/_sim/`. A platform gives its own part as a `Definition`.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";
import { type Call, type CallLog, createCallLog } from "./call-log.ts";
import { createFaultQueue, type FaultPlan, type FaultQueue, parseFaultPlan } from "./fault-plan.ts";
import { json, type Reply, readRequest, type SimRequest, writeReply } from "./http.ts";
import { mediaReply } from "./media.ts";

/** Idle sockets stay open longer than any client keeps them, so that no call meets a closing one. */
const KEEP_ALIVE_MS = 120_000;

/** A running simulator, as tests and the development process hold it. */
export interface Simulator {
  readonly name: string;
  /** Origin, without a slash at the end. */
  readonly url: string;
  /** Calls with a number larger than `since` (default 0: all that are kept). */
  calls(since?: number): readonly Call[];
  fault(plan: FaultPlan): void;
  clearFaults(): void;
  /** Forgets calls, faults and everything the platform was told; accounts stay. */
  reset(): void;
  stop(): Promise<void>;
}

/** Options of every simulator. `port` 0 (default) takes a free one. */
export interface ServerOptions {
  readonly port?: number;
}

/** What a platform adds to the common server. */
export interface Definition {
  readonly name: string;
  handle(request: SimRequest): Reply | Promise<Reply>;
  tenantOf(request: SimRequest): string | null;
  /** Further side-door routes, keyed by `METHOD /_sim/path`. */
  readonly sideDoor?: Readonly<Record<string, (request: SimRequest) => Reply | Promise<Reply>>>;
  /** The platform's own shape for a planned `status` fault. */
  faultReply?(status: number, retryAfter: number | undefined): Reply;
  upgrade?(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  reset?(): void;
  stop?(): void | Promise<void>;
}

interface Running {
  readonly definition: Definition;
  readonly calls: CallLog;
  readonly faults: FaultQueue;
  readonly signal: AbortSignal;
}

/** Starts a server for a definition; resolves when it listens. */
export async function startSimulator(
  definition: Definition,
  options: ServerOptions = {},
): Promise<Simulator> {
  const abort = new AbortController();
  const running: Running = {
    definition,
    calls: createCallLog(),
    faults: createFaultQueue(),
    signal: abort.signal,
  };
  const server = createServer((incoming, response) => {
    serve(running, incoming, response).catch((error: unknown) => {
      if (response.headersSent) response.destroy();
      else response.writeHead(500).end(`simulator failed: ${String(error)}`);
    });
  });
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  const sockets = trackSockets(server);
  server.on("upgrade", (request, socket, head) => {
    if (definition.upgrade === undefined) socket.destroy();
    else definition.upgrade(request, socket, head);
  });
  const port = await listen(server, options.port ?? 0);
  return {
    name: definition.name,
    url: `http://127.0.0.1:${port}`,
    calls: (since = 0) => running.calls.since(since),
    fault: (plan) => running.faults.add(plan),
    clearFaults: () => running.faults.clear(),
    reset: () => resetAll(running),
    stop: async () => {
      abort.abort();
      await definition.stop?.();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

async function serve(
  running: Running,
  incoming: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const request = await readRequest(incoming);
  if (request === undefined)
    return writeReply(response, json({ error: "too large" }, 413), running.signal);
  if (request.path.startsWith("/_sim/")) {
    return writeReply(response, await sideDoor(running, request), running.signal);
  }
  if (request.path.startsWith("/media/")) {
    return writeReply(response, mediaReply(request.path), running.signal);
  }
  const tenant = running.definition.tenantOf(request);
  const fault = running.faults.take(request.path, tenant);
  const { method, path, body, headers } = request;
  running.calls.add({ method, path, tenant, body, headers, ...(fault && { fault: fault.kind }) });
  if (fault !== undefined) return applyFault(running, request, response, fault);
  return writeReply(response, await running.definition.handle(request), running.signal);
}

async function applyFault(
  running: Running,
  request: SimRequest,
  response: ServerResponse,
  plan: FaultPlan,
): Promise<void> {
  switch (plan.kind) {
    case "timeout":
      return;
    case "timeout-after":
      await running.definition.handle(request);
      return;
    case "reset":
      response.socket?.resetAndDestroy();
      return;
    case "reset-after":
      await running.definition.handle(request);
      response.socket?.resetAndDestroy();
      return;
    case "garbage":
      return writeReply(
        response,
        {
          status: 200,
          headers: { "content-type": "application/json" },
          body: "\u0000<<not json>>{",
        },
        running.signal,
      );
    case "status":
      return writeReply(response, statusFault(running.definition, plan), running.signal);
  }
}

function statusFault(definition: Definition, plan: FaultPlan): Reply {
  const status = plan.status ?? 503;
  const reply =
    definition.faultReply?.(status, plan.retryAfter) ?? json({ error: "planned" }, status);
  if (plan.retryAfter === undefined) return reply;
  return { ...reply, headers: { "retry-after": String(plan.retryAfter), ...reply.headers } };
}

async function sideDoor(running: Running, request: SimRequest): Promise<Reply> {
  const route = `${request.method} ${request.path}`;
  switch (route) {
    case "GET /_sim/calls":
      return json(listCalls(running.calls, request.query));
    case "POST /_sim/faults":
      return planFault(running.faults, request.body);
    case "GET /_sim/faults":
      return json({ pending: running.faults.pending() });
    case "DELETE /_sim/faults":
      running.faults.clear();
      return json({ pending: 0 });
    case "POST /_sim/reset":
      resetAll(running);
      return json({ ok: true });
    default: {
      const own = running.definition.sideDoor?.[route];
      return own === undefined ? json({ error: `no side door ${route}` }, 404) : own(request);
    }
  }
}

function listCalls(log: CallLog, query: URLSearchParams): unknown[] {
  const since = Number(query.get("since") ?? 0);
  const calls = log.since(Number.isFinite(since) ? since : 0);
  if (query.get("detail") === "1") return [...calls];
  return calls.map(({ n, at, method, path, tenant, body }) => ({
    n,
    at,
    method,
    path,
    tenant,
    body,
  }));
}

function planFault(faults: FaultQueue, body: unknown): Reply {
  const plan = parseFaultPlan(body);
  if (typeof plan === "string") return json({ error: plan }, 400);
  faults.add(plan);
  return json({ pending: faults.pending() });
}

function resetAll(running: Running): void {
  running.calls.clear();
  running.faults.clear();
  running.definition.reset?.();
}

function trackSockets(server: Server): Set<Socket> {
  const sockets = new Set<Socket>();
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => socket.destroy());
  });
  return sockets;
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => resolve((server.address() as AddressInfo).port));
  });
}
