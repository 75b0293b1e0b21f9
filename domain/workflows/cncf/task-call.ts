/** Task `call`: HTTP becomes an action; functions of the document are called in place; other protocols are refused. */
import type { Mapping } from "../../../schema/workflow-value.ts";
import type { Part } from "./build.ts";
import type { Place } from "./faults.ts";
import { celOf } from "./jq-cel.ts";
import { actionParts, data, names, onlyMembers, reusable, setPart, type Task } from "./task.ts";
import { asMapping, bare, mapped, membersOf, shown } from "./value.ts";

/**
 * Action of an HTTP call. Its input: `{method, uri, uri_parameters, headers, query, body, authentication, output,
 * redirect}`. Every `{name}` of `uri` stands for that parameter, percent-encoded (RFC 6570, level 1); `output` is
 * `content` (default), `raw`, or `response` (`{request, statusCode, headers, content}`).
 */
export const HTTP_ACTION = "http.request";

/** Protocols of the DSL that nothing here speaks. */
const REFUSED = new Set(["asyncapi", "grpc", "openapi", "a2a", "mcp"]);

/** Members of an HTTP call. */
const HTTP = ["method", "endpoint", "headers", "body", "query", "output", "redirect"] as const;

/** The parts of a call. */
export function callTask(task: Task): readonly Part[] {
  const { members, place } = task;
  const { call } = members;
  if (call === "http") return httpParts(task);
  if (typeof call === "string" && REFUSED.has(call)) {
    place
      .at("call")
      .fault("not_supported", `call ${call}: describe it as an HTTP call or a connection`);
    return [];
  }
  return functionParts(task);
}

function httpParts(task: Task): readonly Part[] {
  const place = task.place.at("with");
  const input = membersOf(task.members.with) ?? {};
  onlyMembers(input, HTTP, place);
  if (typeof input.method !== "string") place.at("method").fault("invalid", "is no HTTP method");
  const given: Record<string, Mapping> = { method: shown(input.method).toUpperCase() };
  endpoint(task, input.endpoint, place.at("endpoint"), given);
  for (const key of ["headers", "query", "body", "output", "redirect"])
    if (input[key] !== undefined)
      given[key] = data(task, input[key], place.at(key), { secrets: true });
  return actionParts(task, { action: HTTP_ACTION, with: given });
}

function endpoint(task: Task, value: unknown, place: Place, given: Record<string, Mapping>): void {
  const members = membersOf(value);
  const uri = members === undefined ? value : members.uri;
  const at = members === undefined ? place : place.at("uri");
  if (members) onlyMembers(members, ["uri", "authentication"], place);
  if (typeof uri !== "string") {
    at.fault("invalid", "is no URI");
    return;
  }
  given.uri = mapped(uri, at, names(task, { secrets: true }));
  const parameters = bare(uri) === undefined ? parametersOf(task, uri, at) : {};
  if (Object.keys(parameters).length > 0) given.uri_parameters = parameters;
  if (members?.authentication !== undefined)
    given.authentication = authentication(task, members.authentication, place.at("authentication"));
}

/** `{name}` is the member of the data with that name. */
function parametersOf(task: Task, uri: string, place: Place): Record<string, Mapping> {
  const parameters: Record<string, Mapping> = {};
  for (const [, name = ""] of uri.matchAll(/\{([^{}]*)\}/g)) {
    const found = /^[A-Za-z_][A-Za-z0-9_]*$/.test(name)
      ? celOf(`.${name}`, names(task))
      : undefined;
    if (found?.ok) parameters[name] = asMapping(found.value);
    else place.fault("not_supported", `{${name}} in a URI: only {name} is`);
  }
  return parameters;
}

/** Basic or bearer, with values or the name of a secret. */
function authentication(task: Task, value: unknown, place: Place): Mapping {
  const use = membersOf(value)?.use;
  const policy = membersOf(
    use === undefined ? value : reusable(task.build, "authentications", use, place.at("use")),
  );
  const [kind = ""] = Object.keys(policy ?? {});
  if (kind !== "basic" && kind !== "bearer") {
    if (policy)
      place.at(kind).fault("not_supported", `${kind} authentication: basic and bearer are`);
    return null;
  }
  const given = membersOf(policy?.[kind]) ?? {};
  if (given.use === undefined) {
    onlyMembers(given, kind === "basic" ? ["username", "password"] : ["token"], place.at(kind));
    return { [kind]: data(task, given, place.at(kind), { secrets: true }) };
  }
  if (kind === "bearer") return { bearer: { token: { $secret: shown(given.use) } } };
  place
    .at(kind)
    .fault("not_supported", "a secret with a user and a password in it: a secret here is one text");
  return null;
}

/** A function of `use.functions` that is an HTTP call: its input is what `with` gives. */
function functionParts(task: Task): readonly Part[] {
  const { build, members, place, scope } = task;
  const name = members.call;
  const declared = membersOf(membersOf(build.root.use)?.functions);
  const called =
    typeof name === "string" && declared && Object.hasOwn(declared, name)
      ? membersOf(declared[name])
      : undefined;
  if (called?.call !== "http") {
    const catalogued = typeof name === "string" && /[:@]/.test(name);
    if (catalogued)
      place
        .at("call")
        .fault("not_supported", "a function out of a catalogue: nothing is fetched at import");
    else if (called) place.at("call").fault("not_supported", "a function that is no HTTP call");
    else
      place
        .at("call")
        .fault("unknown_reference", `there is no function ${shown(name)} under use.functions`);
    return [];
  }
  if (called.input !== undefined)
    build.notes.push({
      path: `${place.path}/call`,
      detail: "the schema of the function's input is not checked",
    });
  const given = data(task, members.with ?? {}, place.at("with"));
  const as = members.output === undefined ? {} : { output: members.output };
  const body = { ...task, members: { with: called.with, ...as } };
  return [setPart(task, { [scope.data]: given }), ...httpParts(body)];
}
