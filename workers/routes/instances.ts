/**
 * Instances: connections seen from their platform. Creating one makes it there, registers our webhook
 * and stores the connection; the other routes ask or tell the platform and note what it said.
 */
import * as z from "zod";
import { HubError } from "../../domain/errors.ts";
import { noteState } from "../../platform/repositories/connection-state.ts";
import { viewConnection } from "../../platform/repositories/connection-view.ts";
import {
  createConnection,
  deleteConnection,
  findConnection,
  type StoredConnection,
} from "../../platform/repositories/connections.ts";
import { ConnectionView } from "../../schema/api/connections.ts";
import { CreateInstance, InstanceView } from "../../schema/api/instances.ts";
import { type ConnectionInput, Id } from "../../schema/connection.ts";
import { checkSettings } from "../http/check-settings.ts";
import type { ApiDeps } from "../http/deps.ts";
import { type Api, json, noContent, type RouteContext } from "../http/route.ts";
import type { InstanceReport } from "../instances/lifecycle.ts";
import { lifecycleOf } from "../instances/platforms.ts";
import { learn, worldOf } from "../instances/stored.ts";

const Params = z.strictObject({ id: Id });
const ConnectQuery = z.strictObject({
  number: z
    .string()
    .regex(/^\+?\d{5,20}$/)
    .optional(),
});
const DeleteQuery = z.strictObject({ keep: z.literal("remote").optional() });
const TAG = "instances";
const READ = { scope: "instances:read", tenant: "resource" } as const;
const WRITE = { scope: "instances:write", tenant: "resource" } as const;
/** How a platform that was asked can fail us. */
const UPSTREAM = {
  502: { description: "The platform refused or failed" },
  504: { description: "The platform did not answer in time" },
};
const ANSWER = {
  200: { description: "What the platform says", schema: InstanceView },
  ...UPSTREAM,
};

export function registerInstances(api: Api, deps: ApiDeps): void {
  registerCreate(api, deps);
  registerReads(api, deps);
  registerVerbs(api, deps);
  registerDelete(api, deps);
}

function registerCreate(api: Api, deps: ApiDeps): void {
  api.route({
    id: "createInstance",
    method: "post",
    path: "/instances/create",
    tag: TAG,
    summary: "Make an instance at its platform and connect it",
    description:
      "Evolution: creates the instance with our webhook registered and answers its QR code. Slack: checks the token, or says where to install. Discord: checks the bot and sets its interactions endpoint.",
    access: { scope: "instances:write", tenant: "key" },
    body: CreateInstance,
    responses: { 201: { description: "The instance", schema: InstanceView }, ...UPSTREAM },
    handle: async ({ tenant, body, nowMs, caller }) => {
      const { tenant: _, number, ...input } = { number: undefined, ...body };
      checkSettings(deps.vars, [{ at: "#", ...input }]);
      const connection = input as ConnectionInput;
      const options = { byOperator: caller?.kind === "operator" };
      const stored = await createConnection(storeOf(deps), tenant, connection, nowMs, options);
      forget(deps, stored);
      const report = await createRemotely(deps, stored, number);
      return answer(deps, 201, await keep(deps, stored, report, nowMs), report);
    },
  });
}

/** A platform that said no leaves nothing behind; one that did not answer may have made it, so the connection stays. */
async function createRemotely(
  deps: ApiDeps,
  stored: StoredConnection,
  number: string | undefined,
): Promise<InstanceReport> {
  const { world, connection } = worldOf(deps, stored);
  const installUrl = `${deps.vars.PUBLIC_URL}/oauth/slack/start?connection=${stored.row.id}`;
  try {
    const options = { installUrl, ...(number === undefined ? {} : { number }) };
    return await lifecycleOf(connection).create(world, connection, options);
  } catch (error) {
    const uncertain =
      error instanceof HubError &&
      (error.code === "upstream_timeout" || error.code === "upstream_failed");
    if (!uncertain) await deleteConnection(storeOf(deps), stored.row.tenantId, stored.row.id);
    forget(deps, stored);
    throw error;
  }
}

function registerReads(api: Api, deps: ApiDeps): void {
  api.route({
    id: "getInstance",
    method: "get",
    path: "/instances/:id",
    tag: TAG,
    summary: "Ask the platform for an instance's state",
    access: READ,
    params: Params,
    responses: ANSWER,
    handle: (context) =>
      act(deps, context, (lifecycle, world, connection) => lifecycle.state(world, connection)),
  });
  api.route({
    id: "getInstanceQr",
    method: "get",
    path: "/instances/qr/:id",
    tag: TAG,
    summary: "A fresh QR code, or the page where a person goes on",
    access: WRITE,
    params: Params,
    query: ConnectQuery,
    responses: ANSWER,
    handle: (context) => connect(deps, context),
  });
}

function registerVerbs(api: Api, deps: ApiDeps): void {
  api.route({
    id: "connectInstance",
    method: "post",
    path: "/instances/:id/connect",
    tag: TAG,
    summary: "Connect an instance",
    access: WRITE,
    params: Params,
    query: ConnectQuery,
    responses: ANSWER,
    handle: (context) => connect(deps, context),
  });
  for (const verb of ["restart", "logout"] as const) {
    api.route({
      id: `${verb}Instance`,
      method: "post",
      path: `/instances/:id/${verb}`,
      tag: TAG,
      summary: verb === "restart" ? "Restart an instance" : "Log an instance out",
      access: WRITE,
      params: Params,
      responses: ANSWER,
      handle: (context) =>
        act(deps, context, (lifecycle, world, connection) => lifecycle[verb](world, connection)),
    });
  }
}

function registerDelete(api: Api, deps: ApiDeps): void {
  api.route({
    id: "deleteInstance",
    method: "delete",
    path: "/instances/:id",
    tag: TAG,
    summary: "Delete an instance at its platform and here",
    description: "`keep=remote` only forgets it here.",
    access: WRITE,
    params: Params,
    query: DeleteQuery,
    responses: { 204: { description: "Gone" }, ...UPSTREAM },
    handle: async (context) => {
      const stored = await owned(deps, context);
      const { world, connection } = worldOf(deps, stored);
      if (context.query.keep !== "remote") await lifecycleOf(connection).remove(world, connection);
      await deleteConnection(storeOf(deps), stored.row.tenantId, stored.row.id);
      forget(deps, stored);
      return noContent();
    },
  });
}

type InstanceContext = Pick<
  RouteContext<typeof Params, undefined, undefined>,
  "params" | "own" | "nowMs"
>;

function connect(
  deps: ApiDeps,
  context: InstanceContext & { readonly query: z.infer<typeof ConnectQuery> },
): Promise<Response> {
  const installUrl = `${deps.vars.PUBLIC_URL}/oauth/slack/start?connection=${context.params.id}`;
  const { number } = context.query;
  const options = { installUrl, ...(number === undefined ? {} : { number }) };
  return act(deps, context, (lifecycle, world, connection) =>
    lifecycle.connect(world, connection, options),
  );
}

async function act(
  deps: ApiDeps,
  context: InstanceContext,
  verb: (
    lifecycle: ReturnType<typeof lifecycleOf>,
    world: ReturnType<typeof worldOf>["world"],
    connection: ConnectionInput,
  ) => Promise<InstanceReport>,
): Promise<Response> {
  const stored = await owned(deps, context);
  const { world, connection } = worldOf(deps, stored);
  const report = await verb(lifecycleOf(connection), world, connection);
  return answer(deps, 200, await keep(deps, stored, report, context.nowMs), report);
}

async function owned(deps: ApiDeps, { params, own }: InstanceContext): Promise<StoredConnection> {
  const stored = await findConnection(storeOf(deps), params.id);
  if (!stored) throw new HubError("not_found");
  own(stored.row.tenantId);
  return stored;
}

/** Notes the state, and what the platform told about the connection (a bot's user id). */
async function keep(
  deps: ApiDeps,
  stored: StoredConnection,
  report: InstanceReport,
  nowMs: number,
): Promise<StoredConnection> {
  const { id, tenantId } = stored.row;
  const detail = report.detail ?? null;
  await noteState(deps.env.DB, tenantId, id, report.state, detail);
  const row = { ...stored.row, state: report.state, stateDetail: detail };
  return learn(deps, { ...stored, row }, report.learned ?? {}, nowMs);
}

function answer(
  deps: ApiDeps,
  status: number,
  stored: StoredConnection,
  { state, detail, qr, continueUrl }: InstanceReport,
): Response {
  const connection = ConnectionView.parse(viewConnection(stored, deps.vars.PUBLIC_URL));
  return json(status, {
    id: stored.row.id,
    tenant: stored.row.tenantId,
    state,
    ...(detail === undefined ? {} : { detail }),
    ...(qr === undefined ? {} : { qr }),
    ...(continueUrl === undefined ? {} : { continueUrl }),
    connection,
  });
}

function storeOf({ env, vault }: ApiDeps) {
  return { db: env.DB, vault };
}

function forget(deps: ApiDeps, { row }: StoredConnection): void {
  deps.directory.forget(row.id);
}
