/** Slack's OAuth v2: the consent page, the exchange of a code, and rotation with single-use refresh tokens. */
import { randomBytes } from "node:crypto";
import { asText, json, type Reply, type SimRequest } from "../http.ts";
import { type Answer, argumentsOf, refuse } from "./method.ts";
import { findTeam, type Team, type World } from "./world.ts";

/** A rotating token lives twelve hours. Source: Slack token rotation. */
const TOKEN_LIFE_SECONDS = 43_200;
const SCOPES =
  "app_mentions:read,channels:history,groups:history,im:history,mpim:history,chat:write,files:read,files:write,reactions:read,reactions:write,users:read,commands";

/** `GET /oauth/v2/authorize`: consents at once and redirects with `code` and `state`. `team` picks the workspace. */
export function authorize(world: World, request: SimRequest): Reply {
  const redirect = request.query.get("redirect_uri");
  const team = findTeam(world, request.query.get("team")) ?? world.teams[0];
  if (redirect === null || !URL.canParse(redirect) || team === undefined) {
    return { status: 400, body: "invalid_client_id or redirect_uri" };
  }
  const target = new URL(redirect);
  target.searchParams.set("code", newCode(world, team));
  const state = request.query.get("state");
  if (state !== null) target.searchParams.set("state", state);
  return { status: 302, headers: { location: target.href } };
}

/** A code that `oauth.v2.access` takes once. */
export function newCode(world: World, team: Team): string {
  const code = `code-${randomBytes(12).toString("hex")}`;
  world.codes.set(code, team);
  return code;
}

/** `oauth.v2.access`, for a code or for a refresh token. */
export function access(world: World, request: SimRequest): Reply {
  return json({ ok: true, ...answer(world, request) });
}

/** Ends the validity of a team's tokens now: `token_expired`, or `token_revoked`. */
export function killTokens(world: World, team: Team, error: string): void {
  for (const token of team.tokens) world.deadTokens.set(token, error);
  team.tokens.clear();
}

function answer(world: World, request: SimRequest): Answer {
  const args = argumentsOf(request);
  const [clientId, clientSecret] = clientOf(request, args);
  const isRefresh = args.grant_type === "refresh_token";
  const team = isRefresh
    ? world.teams.find(
        ({ refreshToken }) => refreshToken !== undefined && refreshToken === args.refresh_token,
      )
    : world.codes.get(asText(args.code) ?? "");
  if (team === undefined) return refuse(isRefresh ? "invalid_refresh_token" : "invalid_code");
  if (team.clientId !== clientId) return refuse("invalid_client_id");
  if (team.clientSecret !== clientSecret) return refuse("bad_client_secret");
  if (!isRefresh) world.codes.delete(asText(args.code) ?? "");
  return grant(team, isRefresh || team.refreshToken !== undefined);
}

/** With rotation the old refresh token is used up here; the old access token lives on until it expires. */
function grant(team: Team, rotating: boolean): Answer {
  const random = randomBytes(18).toString("hex");
  const token = rotating ? `xoxe.xoxb-1-${random}` : `xoxb-${random}`;
  team.tokens.add(token);
  if (rotating) team.refreshToken = `xoxe-1-${randomBytes(24).toString("hex")}`;
  return {
    app_id: team.appId,
    authed_user: { id: "U0INSTALLER" },
    scope: SCOPES,
    token_type: "bot",
    access_token: token,
    ...(rotating && { refresh_token: team.refreshToken, expires_in: TOKEN_LIFE_SECONDS }),
    bot_user_id: team.botUserId,
    team: { id: team.teamId, name: team.name },
    enterprise: null,
    is_enterprise_install: false,
  };
}

function clientOf(request: SimRequest, args: Record<string, unknown>): [string, string] {
  const header = request.headers.authorization ?? "";
  if (!header.startsWith("Basic ")) {
    return [asText(args.client_id) ?? "", asText(args.client_secret) ?? ""];
  }
  const [id = "", secret = ""] = Buffer.from(header.slice(6), "base64").toString().split(":");
  return [id, secret];
}
