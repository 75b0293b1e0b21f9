/**
 * What exactly was done in an interactive payload: one gesture per action of `block_actions`, one for
 * everything else. `interaction` is what the message keeps in its metadata; raw blocks and views are not.
 */

import { type Fields, fieldsOf } from "../shared/fields.ts";
import { wellFormed } from "../shared/text.ts";
import type { Envelope } from "./envelope.ts";
import { listOf, stringOf } from "./fields.ts";
import { type Chosen, chosenOf, type FormValue, formValuesOf } from "./form-values.ts";
import { ACTIONS_MAX } from "./limits.ts";
import { readableText } from "./text.ts";

/**
 * Metadata of an interaction, in the words all channels share: what kind, which button or form (`id`:
 * the `action_id`, else the `callback_id`), what was done, the values. `fields` says which value
 * stood where.
 */
interface Interaction {
  readonly type: string;
  readonly id?: string;
  readonly action: "click" | "select" | "submit" | "shortcut";
  readonly values: readonly string[];
  readonly action_id?: string;
  readonly block_id?: string;
  readonly callback_id?: string;
  readonly value?: Chosen;
  readonly fields?: readonly FormValue[];
  /** Text of the message a message shortcut was used on. */
  readonly message_text?: string;
}

export interface Gesture {
  /** What the person sees of the choice: a button's label, a submitted form's values. */
  readonly text: string;
  readonly interaction: Interaction;
  readonly actionTs?: unknown;
}

/** Reads the gestures of a payload. */
export function gesturesOf(type: string, fields: Fields, envelope: Envelope): readonly Gesture[] {
  switch (type) {
    case "block_actions":
    case "interactive_message":
      return listOf(fields.actions)
        .slice(0, ACTIONS_MAX)
        .flatMap((entry) => {
          const action = fieldsOf(entry);
          return action === undefined ? [] : [actionGesture(type, fields, action)];
        });
    case "view_submission":
      return [formGesture(type, fields, formValuesOf(fieldsOf(fields.view)?.state))];
    case "dialog_submission":
      return [formGesture(type, fields, dialogValuesOf(fields))];
    default:
      return [shortcutGesture(type, fields, envelope)];
  }
}

function actionGesture(type: string, fields: Fields, action: Fields): Gesture {
  const value = chosenOf(action);
  const interaction = interactionOf({
    type,
    action: action.type === "button" ? "click" : "select",
    action_id: textOf(action.action_id) ?? textOf(action.name),
    block_id: textOf(action.block_id),
    callback_id: callbackOf(fields),
    value,
    values: listed(value),
    fields: formValuesOf(fields.state),
  });
  return {
    text: labelOf(action) ?? listed(value).join(", "),
    interaction,
    actionTs: action.action_ts ?? fields.action_ts,
  };
}

function formGesture(type: string, fields: Fields, filled: readonly FormValue[]): Gesture {
  const callback_id = callbackOf(fields);
  const values = filled.flatMap((field) => listed(field.value));
  const interaction = interactionOf({
    type,
    action: "submit",
    callback_id,
    values,
    fields: filled,
  });
  return { text: values.join("\n"), interaction, actionTs: fields.action_ts };
}

function shortcutGesture(type: string, fields: Fields, envelope: Envelope): Gesture {
  const about = fieldsOf(fields.message)?.text;
  const message_text =
    typeof about === "string" ? readableText(about, envelope.botUserIds).text : undefined;
  const callback_id = callbackOf(fields);
  const interaction = interactionOf({
    type,
    action: "shortcut",
    callback_id,
    values: [],
    message_text,
  });
  return { text: "", interaction, actionTs: fields.action_ts };
}

type Draft = { readonly [K in keyof Interaction]: Interaction[K] | undefined };

/** Leaves out what is undefined or an empty list of fields, so that metadata stays plain JSON. */
function interactionOf(
  draft: Draft & Pick<Interaction, "type" | "action" | "values">,
): Interaction {
  const { fields, ...named } = draft;
  const present = Object.entries({
    id: named.action_id ?? named.callback_id,
    ...named,
    fields: fields?.length ? fields : undefined,
  }).filter(([, value]) => value !== undefined);
  return Object.fromEntries(present) as unknown as Interaction;
}

function listed(value: Chosen | undefined): readonly string[] {
  if (value === undefined) {
    return [];
  }
  return typeof value === "string" ? [value] : value;
}

/** A dialog's `submission` is one flat object of strings; the dialog is its own block. */
function dialogValuesOf(fields: Fields): readonly FormValue[] {
  return Object.entries(fieldsOf(fields.submission) ?? {})
    .filter((entry): entry is [string, string] => typeof entry[1] === "string")
    .slice(0, ACTIONS_MAX)
    .map(([name, value]) => ({
      block_id: "dialog",
      action_id: wellFormed(name),
      value: wellFormed(value),
    }));
}

function callbackOf(fields: Fields): string | undefined {
  return textOf(fields.callback_id) ?? textOf(fieldsOf(fields.view)?.callback_id);
}

function labelOf(action: Fields): string | undefined {
  const text = fieldsOf(action.text) ?? fieldsOf(fieldsOf(action.selected_option)?.text);
  return textOf(text?.text);
}

function textOf(value: unknown): string | undefined {
  const text = stringOf(value);
  return text === undefined ? undefined : wellFormed(text);
}
