/**
 * Whose webhook it is: which workspace and app a payload names, and whether that is this
 * connection's. Used before verification as a hint and after it as a check, so that both always
 * agree. One signing secret serves all workspaces of an app; the signature alone proves no tenant.
 */
import type { Connection, SlackConnection } from "../../schema/connection.ts";
import { type Fields, fieldsOf } from "../shared/fields.ts";
import { idOf, listOf } from "./fields.ts";

/** What a payload says about its origin; `teams` is in order of trust, best first. */
export interface Origin {
  readonly teams: readonly string[];
  readonly enterprise?: string;
  readonly app?: string;
  readonly orgInstall: boolean;
}

/** Reads the origin of an Events API body, a slash command or an interactive payload. Total. */
export function originOf(fields: Fields): Origin {
  const authorization = fieldsOf(listOf(fields.authorizations)[0]);
  const view = fieldsOf(fields.view);
  const enterprise =
    idOf(fields.enterprise_id) ??
    idOf(fieldsOf(fields.enterprise)?.id) ??
    idOf(fieldsOf(fields.team)?.enterprise_id) ??
    idOf(authorization?.enterprise_id);
  const app = idOf(fields.api_app_id) ?? idOf(view?.app_id);
  return {
    teams: teamsOf(fields, authorization),
    orgInstall: isOrgInstall(fields, authorization),
    ...(enterprise === undefined ? {} : { enterprise }),
    ...(app === undefined ? {} : { app }),
  };
}

/** The team under which this connection files the event; undefined where the event is not its own. */
export function matchedTeam(
  origin: Origin,
  connection: Connection<SlackConnection>,
): string | undefined {
  if (
    connection.appId !== undefined &&
    origin.app !== undefined &&
    origin.app !== connection.appId
  ) {
    return undefined;
  }
  if (origin.teams.includes(connection.teamId)) {
    return connection.teamId;
  }
  const sameOrg =
    connection.enterpriseId !== undefined && origin.enterprise === connection.enterpriseId;
  if (origin.teams.length === 0) {
    const foreign = connection.enterpriseId !== undefined && origin.enterprise !== undefined;
    return foreign && !sameOrg ? undefined : connection.teamId;
  }
  return sameOrg && origin.orgInstall ? origin.teams[0] : undefined;
}

/**
 * In a Slack Connect channel `team_id` may be the other company's workspace; then the context and
 * the authorization tell where our app is installed. Elsewhere the first named team is the team.
 */
function teamsOf(fields: Fields, authorization: Fields | undefined): readonly string[] {
  const context = idOf(fields.context_team_id);
  const authorized = idOf(authorization?.team_id);
  const named = idOf(fields.team_id);
  if (fields.is_ext_shared_channel === true) {
    return unique([context, authorized, named]);
  }
  const first =
    named ??
    idOf(fieldsOf(fields.team)?.id) ??
    authorized ??
    idOf(fieldsOf(fields.event)?.team) ??
    context ??
    idOf(fieldsOf(fields.view)?.app_installed_team_id) ??
    idOf(fieldsOf(fields.user)?.team_id);
  return unique([first]);
}

function isOrgInstall(fields: Fields, authorization: Fields | undefined): boolean {
  const flag = fields.is_enterprise_install;
  return flag === true || flag === "true" || authorization?.is_enterprise_install === true;
}

function unique(values: readonly (string | undefined)[]): readonly string[] {
  return [...new Set(values.filter((value) => value !== undefined))];
}
