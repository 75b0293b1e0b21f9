/** A tenant's own request with ids of another tenant in it: one at a time, and every one at once. */
import type { Planted } from "./plant.ts";
import type { ApiRequest } from "./requests.ts";

export interface Swapped {
  /** Where the foreign id stands: `params.connection`, `body.connection`, `params.*`. */
  readonly at: string;
  readonly request: ApiRequest;
}

/** Requests of which each names something of `other`. None where the operation takes no id. */
export function swaps(request: ApiRequest, other: Planted): readonly Swapped[] {
  const { params = {}, query = {}, body = {} } = request;
  const foreign = idsOf(other);
  const one = <T extends object>(part: keyof ApiRequest, values: T): Swapped[] =>
    Object.keys(values)
      .filter((name) => Object.hasOwn(foreign, name))
      .map((name) => ({
        at: `${part}.${name}`,
        request: { ...request, [part]: { ...values, [name]: foreign[name] } },
      }));
  const each = [...one("params", params), ...one("query", query), ...one("body", body)];
  if (each.length < 2) return each;
  const all = <T extends object>(values: T) =>
    Object.fromEntries(Object.entries(values).map(([name, own]) => [name, foreign[name] ?? own]));
  const everything = {
    params: all(params),
    query: all(query),
    ...(request.body ? { body: all(body) } : {}),
  };
  return [...each, { at: "everything", request: everything }];
}

/** By the name a parameter or member has for it. */
function idsOf(other: Planted): Readonly<Record<string, string>> {
  return {
    tenant: other.tenant,
    connection: other.connections.slack,
    id: other.connections.whatsapp,
    key: other.apiKey,
    rule: other.rule,
    message: other.message,
    conversation: other.conversation,
    deadLetter: other.deadLetter,
    workflow: other.workflow,
    run: other.run,
    task: other.task,
  };
}
