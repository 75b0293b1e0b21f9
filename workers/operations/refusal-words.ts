/** Refusals of keys, filters and CloudEvents in words: the rule's own name first, for programs and for searching. */
import type { CloudEventFailure } from "../../domain/events/cloudevents-attributes.ts";
import { OPERATORS } from "../../domain/events/filter-operators.ts";
import { FILTER_MEMBERS } from "../../domain/events/never-matching.ts";
import type { SubscriptionFailure } from "../../domain/events/subscribing.ts";

const WANTING: Partial<Record<SubscriptionFailure["reason"], string>> = {
  too_many_hashes: 'at most two words of a key may be "#"',
  too_long: "a key may have 255 characters",
  never_matches:
    'no event type can match: its words are letters, digits, "_" and "-", with single dots between; only a topic key may have "*" or "#", as whole words',
  unknown_member: `no event has it, so nothing would match: a filter is an object of ${FILTER_MEMBERS.join(", ")}`,
  unknown_operator: `the operators are ${[...OPERATORS.keys(), "$not", "$and", "$or"].join(", ")}`,
  operand: "the operator cannot compare with that",
  too_deep: "the filter is nested too deep",
  too_large: "the filter has too many values",
};

const CLOUD_EVENT: Record<CloudEventFailure["reason"], string> = {
  not_an_object: "a CloudEvent is a JSON object",
  missing: "a CloudEvent needs id, source, specversion and type",
  name: "attributes are named by lower-case letters and digits",
  value: "is empty, or not what this attribute may hold",
  specversion: 'must be "1.0"',
  data_twice: "data and data_base64 exclude each other",
  data_base64: "is not Base64",
  data_json: "data is not JSON although its content type says so",
  too_many_attributes: "has too many attributes",
};

/** Why a binding or a filter was not taken. */
export function wantingWords(reason: SubscriptionFailure["reason"]): string {
  const words = WANTING[reason];
  return words === undefined ? reason : `${reason}: ${words}`;
}

/** Why a CloudEvent was not taken. */
export function cloudEventWords(reason: CloudEventFailure["reason"]): string {
  return `${reason}: ${CLOUD_EVENT[reason]}`;
}
