/** Evolution's error answers: `{status, error, response: {message}}`. Source: its exception classes. */
import { json, type Reply } from "../http.ts";

const TITLES: Readonly<Record<number, string>> = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  500: "Internal Server Error",
};

/** An error with its messages; none gives the title as the message. */
export function failure(status: number, ...message: readonly unknown[]): Reply {
  const error = TITLES[status] ?? "Error";
  return json(
    { status, error, response: { message: message.length > 0 ? message : error } },
    status,
  );
}

/** A body that lacks a property, as its JSON schema check says it. */
export function missing(property: string): Reply {
  return failure(400, [`instance requires property "${property}"`]);
}

/** What a 2.4 server answers to everything until it is activated. */
export function licenseRequired(url: string): Reply {
  const body = {
    error: "service not activated",
    code: "LICENSE_REQUIRED",
    register_url: `${url}/license/register`,
    instance_id: "00000000-0000-4000-8000-000000000000",
    docs_url: `${url}/license/docs`,
    message: "This service is not activated yet",
  };
  return json(body, 503);
}
