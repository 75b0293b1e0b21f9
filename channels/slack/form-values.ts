/**
 * What a person chose or typed in Block Kit elements: one flat list of `{block_id, action_id, value}`
 * instead of Slack's nested state. A list, because keys from outside never become property names here.
 */

import { type Fields, fieldsOf } from "../shared/fields.ts";
import { wellFormed } from "../shared/text.ts";
import { listOf } from "./fields.ts";
import { VALUES_MAX } from "./limits.ts";

export type Chosen = string | readonly string[];

export interface FormValue {
  readonly block_id: string;
  readonly action_id: string;
  readonly value: Chosen;
}

/** Members of an element's state that hold one plain value (Slack docs: Block Kit elements). */
const SINGLE = [
  "value",
  "selected_date",
  "selected_time",
  "selected_user",
  "selected_channel",
  "selected_conversation",
] as const;
/** Members that hold a list of plain values. */
const SEVERAL = ["selected_users", "selected_channels", "selected_conversations"] as const;

/** Flattens `state.values` (`{block: {action: element}}`); at most `VALUES_MAX` of them. */
export function formValuesOf(state: unknown): readonly FormValue[] {
  const values: FormValue[] = [];
  for (const [block, actions] of Object.entries(fieldsOf(fieldsOf(state)?.values) ?? {})) {
    for (const [action, element] of Object.entries(fieldsOf(actions) ?? {})) {
      const value = chosenOf(fieldsOf(element) ?? {});
      if (value !== undefined && values.length < VALUES_MAX) {
        values.push({ block_id: wellFormed(block), action_id: wellFormed(action), value });
      }
    }
  }
  return values;
}

/** The value of one element or action; undefined where nothing was chosen. */
export function chosenOf(element: Fields): Chosen | undefined {
  for (const name of SINGLE) {
    const value = element[name];
    if (typeof value === "string") {
      return wellFormed(value);
    }
  }
  const option = fieldsOf(element.selected_option)?.value;
  if (typeof option === "string") {
    return wellFormed(option);
  }
  if (typeof element.selected_date_time === "number") {
    return String(element.selected_date_time);
  }
  return severalOf(element);
}

function severalOf(element: Fields): readonly string[] | undefined {
  if (Array.isArray(element.selected_options)) {
    return strings(element.selected_options.map((option) => fieldsOf(option)?.value));
  }
  const name = SEVERAL.find((member) => Array.isArray(element[member]));
  return name === undefined ? undefined : strings(listOf(element[name]));
}

function strings(values: readonly unknown[]): readonly string[] {
  return values
    .filter((value) => typeof value === "string")
    .slice(0, VALUES_MAX)
    .map((value) => wellFormed(value));
}
