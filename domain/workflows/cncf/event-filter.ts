/** Which events somebody waits for: the types, and what else must hold of them, as a CEL condition over `event`. */
import type { Build, Scope } from "./build.ts";
import type { Place } from "./faults.ts";
import { cel, celText } from "./jq-cel.ts";
import { namesIn } from "./names.ts";
import { onlyMembers } from "./task.ts";
import { bare, condition, membersOf } from "./value.ts";

export interface EventFilter {
  readonly type: string;
  readonly match?: string;
}

/** Where filters stand: in a task's scope, over events that carry these attributes under these names. */
interface Around {
  readonly build: Build;
  readonly scope: Scope;
  readonly attributes: ReadonlyMap<string, string>;
}

/** What an event step sees of an arrival. */
export const ARRIVAL_ATTRIBUTES: Around["attributes"] = new Map([["id", "event.id"]]);
/** What a trigger sees of an envelope. */
export const ENVELOPE_ATTRIBUTES: Around["attributes"] = new Map([
  ["id", "event.event_id"],
  ["source", "event.source"],
]);

/** `one`, or each of `any`. Several events at once, and until when to go on, are refused. */
export function consumed(to: unknown, place: Place, around: Around): readonly EventFilter[] {
  const members = membersOf(to) ?? {};
  onlyMembers(members, ["one", "any", "all", "until"], place);
  if (members.all !== undefined)
    place.at("all").fault("not_supported", "all: one event is waited for");
  if (members.until !== undefined)
    place.at("until").fault("not_supported", "until: one event is waited for");
  if (members.one !== undefined) return filterOf(members.one, place.at("one"), around);
  if (!Array.isArray(members.any)) {
    if (members.all === undefined) place.fault("invalid", "one, any or all is expected");
    return [];
  }
  if (members.any.length === 0)
    place.at("any").fault("not_supported", "any event whatever: a type is expected");
  return members.any.flatMap((one, at) => filterOf(one, place.at("any").at(at), around));
}

function filterOf(value: unknown, place: Place, around: Around): readonly EventFilter[] {
  const members = membersOf(value) ?? {};
  onlyMembers(members, ["with", "correlate"], place);
  if (members.correlate !== undefined)
    place
      .at("correlate")
      .fault("not_supported", "correlate: events are correlated by their correlation id");
  const attributes = membersOf(members.with) ?? {};
  const { type } = attributes;
  if (typeof type !== "string" || bare(type) !== undefined) {
    place.at("with").fault("not_supported", "an event without a fixed type");
    return [];
  }
  const matches = Object.entries(attributes).flatMap(([name, wanted]) =>
    name === "type" ? [] : [attributeMatch(name, wanted, place.at("with").at(name), around)],
  );
  const all = matches.filter((one) => one !== undefined);
  return [{ type, ...(all.length === 0 ? {} : { match: all.join(" && ") }) }];
}

function attributeMatch(
  name: string,
  wanted: unknown,
  place: Place,
  { build, scope, attributes }: Around,
): string | undefined {
  const isExpression = typeof wanted === "string" && bare(wanted) !== undefined;
  if (name === "data" && isExpression)
    return condition(wanted, place, namesIn(build, scope, { dot: cel("event.data") }));
  const attribute = attributes.get(name);
  if (attribute === undefined || typeof wanted !== "string") {
    place.fault("not_supported", `${name} of an event cannot be filtered by`);
    return undefined;
  }
  if (isExpression) return condition(wanted, place, namesIn(build, scope, { dot: cel(attribute) }));
  return `${attribute} == ${celText(wanted).text}`;
}
