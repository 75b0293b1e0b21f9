/** Small stand-ins for the platforms' management APIs: just enough state to see the whole life of an instance. */
import type { OutboundRequest } from "../../../schema/outbound.ts";
import type { FakePlatform } from "./hub-api.ts";

type Answer = ReturnType<FakePlatform>;

export interface FakeEvolution {
  readonly platform: FakePlatform;
  readonly instances: Map<string, { state: string; webhook: Record<string, unknown> | null }>;
}

const KEY = "evo-secret-key";

/** Knows the API's global key, refuses taken names, deletes only what is logged out. */
export function fakeEvolution(): FakeEvolution {
  const instances: FakeEvolution["instances"] = new Map();
  const platform: FakePlatform = (request) => {
    if (request.headers.apikey !== KEY) return error(401, "Unauthorized");
    const { pathname } = new URL(request.url);
    if (pathname === "/instance/create") return create(instances, jsonOf(request));
    const [, , action = "", name = ""] = pathname.split("/");
    const instance = instances.get(decodeURIComponent(name));
    if (!instance) return error(404, [`The "${name}" instance does not exist`]);
    const route = `${request.method} ${pathname.split("/")[1]}/${action}`;
    return act(instances, decodeURIComponent(name), route, jsonOf(request));
  };
  return { platform, instances };
}

function create(instances: FakeEvolution["instances"], body: Record<string, unknown>): Answer {
  const name = String(body.instanceName);
  if (!body.integration) return error(400, "Invalid integration");
  if (instances.has(name)) return error(403, [`This name "${name}" is already in use.`]);
  instances.set(name, { state: "connecting", webhook: stored(body.webhook) });
  const qrcode = {
    pairingCode: body.number ? "ABCD1234" : null,
    code: "2@qr",
    base64: "data:image/png;base64,AA==",
    count: 1,
  };
  return {
    status: 201,
    body: { instance: { instanceName: name, status: "connecting" }, hash: "TOKEN", qrcode },
  };
}

function act(
  instances: FakeEvolution["instances"],
  name: string,
  route: string,
  body: Record<string, unknown>,
): Answer {
  const instance = instances.get(name);
  if (!instance) return error(404, "gone");
  switch (route) {
    case "GET instance/connectionState":
      return { status: 200, body: { instance: { instanceName: name, state: instance.state } } };
    case "GET instance/connect":
      if (instance.state === "open")
        return { status: 200, body: { instance: { instanceName: name, state: "open" } } };
      return {
        status: 200,
        body: {
          pairingCode: null,
          code: "2@again",
          base64: "data:image/png;base64,BB==",
          count: 2,
        },
      };
    case "POST instance/restart":
      return done();
    case "DELETE instance/logout":
      if (instance.state !== "open") return error(400, [`The "${name}" instance is not connected`]);
      instance.state = "close";
      return done();
    case "DELETE instance/delete":
      if (instance.state === "open") return error(400, ["needs to be disconnected"]);
      instances.delete(name);
      return done();
    case "GET webhook/find":
      return { status: 200, body: instance.webhook ?? "null" };
    case "POST webhook/set":
      instance.webhook = stored(body.webhook);
      return { status: 201, body: instance.webhook };
    default:
      return error(404, `Cannot ${route}`);
  }
}

/** The platform keeps a registration under other names than it takes it. */
function stored(given: unknown): Record<string, unknown> {
  const { byEvents, base64, ...rest } = given as Record<string, unknown>;
  return { id: "w1", ...rest, webhookByEvents: byEvents, webhookBase64: base64, createdAt: "x" };
}

export interface FakeDiscord {
  readonly platform: FakePlatform;
  url: string | null;
  token: string;
  applicationId: string;
}

export function fakeDiscord(applicationId: string): FakeDiscord {
  const fake: FakeDiscord = {
    url: null,
    token: "discord-secret",
    applicationId,
    platform: (request) => {
      if (request.headers.authorization !== `Bot ${fake.token}`)
        return { status: 401, body: { message: "401: Unauthorized", code: 0 } };
      if (!request.headers["user-agent"]?.startsWith("DiscordBot ("))
        return { status: 403, body: "" };
      const { pathname } = new URL(request.url);
      if (pathname === "/api/v10/users/@me") return { status: 200, body: { id: "555", bot: true } };
      if (pathname !== "/api/v10/applications/@me") return { status: 404, body: { code: 0 } };
      if (request.method === "PATCH")
        fake.url = jsonOf(request).interactions_endpoint_url as string | null;
      return {
        status: 200,
        body: {
          id: fake.applicationId,
          verify_key: "ab".repeat(32),
          interactions_endpoint_url: fake.url,
        },
      };
    },
  };
  return fake;
}

export interface FakeSlack {
  readonly platform: FakePlatform;
  revoked: boolean;
}

/** One workspace, `T_OAUTH`, whose consent page gives the code `good-code`. */
export function fakeSlack(): FakeSlack {
  const fake: FakeSlack = { revoked: false, platform: (request) => answerSlack(fake, request) };
  return fake;
}

function answerSlack(fake: FakeSlack, request: OutboundRequest): Answer {
  const { pathname } = new URL(request.url);
  const refused = (code: string) => ({ status: 200, body: { ok: false, error: code } });
  if (pathname === "/api/oauth.v2.access") {
    const fields = request.body.as === "form" ? request.body.fields : {};
    if (fields.client_secret !== "client-secret") return refused("bad_client_secret");
    if (fields.code !== "good-code") return refused("invalid_code");
    return {
      status: 200,
      body: {
        ok: true,
        access_token: "xoxb-installed",
        scope: "chat:write",
        bot_user_id: "U_BOT",
        app_id: "A_APP",
        team: { id: "T_OAUTH", name: "Team" },
        is_enterprise_install: false,
      },
    };
  }
  if (fake.revoked) return refused("token_revoked");
  if (pathname === "/api/auth.revoke") {
    fake.revoked = true;
    return { status: 200, body: { ok: true, revoked: true } };
  }
  if (pathname !== "/api/auth.test") return refused("unknown_method");
  return { status: 200, body: { ok: true, team_id: "T_OAUTH", user_id: "U_BOT", bot_id: "B_BOT" } };
}

function done(): Answer {
  return { status: 200, body: { status: "SUCCESS", error: false, response: { message: "done" } } };
}

function error(status: number, message: unknown): Answer {
  return { status, body: { status, error: "Error", response: { message } } };
}

function jsonOf(request: OutboundRequest): Record<string, unknown> {
  return request.body.as === "json" ? (request.body.json as Record<string, unknown>) : {};
}
