/**
 * What a person did in an interaction, as message content: the options of a command, the label or values of a
 * component, the fields of a modal. The text is what an agent reads; the exact data stand in the metadata.
 */
import type { Result } from "../../domain/result.ts";
import { fail, ok } from "../../domain/result.ts";
import type { DiscordConnection } from "../../schema/connection.ts";
import type { ParsedMessage } from "../../schema/parsed.ts";
import type { ParseFailure } from "../channel-adapter.ts";
import { wellFormed } from "../shared/text.ts";
import { fieldsOf, labelOf } from "./components.ts";
import { fileOf } from "./media.ts";
import type { CommandData as Command, Interaction, Option } from "./shapes.ts";
import { CommandData, ComponentData, ModalData, shaped } from "./shapes.ts";

export interface Gesture {
  readonly message: Pick<ParsedMessage, "kind" | "content" | "targetId">;
  /** `@original` is the clicked message, not an answer of ours: answer by follow-ups only. */
  readonly followUp: boolean;
}

/** "Application Commands: Option Type": sub-commands, groups of them, and files. */
const SUB_COMMAND = 1;
const SUB_COMMAND_GROUP = 2;
const ATTACHMENT = 11;

/** "Component reference": names of the clickable types. */
const COMPONENT_NAMES: Readonly<Record<number, string>> = {
  2: "button",
  3: "string_select",
  5: "user_select",
  6: "role_select",
  7: "mentionable_select",
  8: "channel_select",
};

/** A slash command, or a command on a person or message (then `targetId` names it). */
export function commandGesture(
  interaction: Interaction,
  connection: DiscordConnection,
): Result<Gesture, ParseFailure> {
  const parsed = shaped(CommandData, interaction.data, "interaction.data");
  if (!parsed.ok) return parsed;
  const { path, options } = unfold(parsed.value);
  const media = options
    .filter((option) => option.type === ATTACHMENT)
    .flatMap((option) => own(parsed.value.resolved?.attachments, String(option.value)))
    .map((attachment) => fileOf(attachment, connection));
  const target = parsed.value.target_id;
  const text = optionText(options) || targetText(parsed.value);
  const command = { name: wellFormed(path), text, ...(target && { target_id: target }) };
  return ok({
    followUp: false,
    message: {
      kind: "command",
      content: { text, media, metadata: { command } },
      ...(target && { targetId: target }),
    },
  });
}

/** A click or a selection; the text is the button's label, or the chosen values. */
export function componentGesture(interaction: Interaction): Result<Gesture, ParseFailure> {
  const parsed = shaped(ComponentData, interaction.data, "interaction.data");
  if (!parsed.ok) return parsed;
  if (!interaction.message) {
    return fail({ reason: "wrong_shape", detail: "interaction.message: missing" });
  }
  const { custom_id: id, component_type: code } = parsed.value;
  const values = (parsed.value.values ?? []).map(wellFormed);
  const type = COMPONENT_NAMES[code] ?? `component_${code}`;
  const text = values.join(", ") || labelOf(interaction.message.components, id);
  const action = type === "button" ? "click" : "select";
  return ok({
    followUp: true,
    message: {
      kind: "interaction",
      targetId: interaction.message.id,
      content: {
        text,
        media: [],
        metadata: { interaction: { type, id: wellFormed(id), action, values } },
      },
    },
  });
}

/** A submitted form; `fields` keeps which value stood where. */
export function modalGesture(interaction: Interaction): Result<Gesture, ParseFailure> {
  const parsed = shaped(ModalData, interaction.data, "interaction.data");
  if (!parsed.ok) return parsed;
  const fields = fieldsOf(parsed.value.components);
  const values = fields.map((field) => field.value);
  const id = wellFormed(parsed.value.custom_id);
  return ok({
    followUp: false,
    message: {
      kind: "interaction",
      content: {
        text: values.join("\n"),
        media: [],
        metadata: { interaction: { type: "modal", id, action: "submit", values, fields } },
      },
      ...(interaction.message && { targetId: interaction.message.id }),
    },
  });
}

/** The full name of a command with its sub-command, and the options given to it. */
function unfold(data: Command): { readonly path: string; readonly options: readonly Option[] } {
  let path = data.name;
  let options: readonly Option[] = data.options ?? [];
  for (let depth = 0; depth < 2; depth++) {
    const first = options[0];
    if (!first || (first.type !== SUB_COMMAND && first.type !== SUB_COMMAND_GROUP)) break;
    path += ` ${first.name}`;
    options = first.options ?? [];
  }
  return { path, options };
}

/** A lone option is its value; several are `name: value` lines. Files are media, not text. */
function optionText(options: readonly Option[]): string {
  const said = options.filter((option) => option.type !== ATTACHMENT && option.value !== undefined);
  const [only] = said;
  if (only && said.length === 1) return wellFormed(String(only.value));
  return said.map((option) => wellFormed(`${option.name}: ${String(option.value)}`)).join("\n");
}

/** The text of the message that a message command was called on. */
function targetText(data: Command): string {
  const [message] = own(data.resolved?.messages, data.target_id ?? "");
  return wellFormed(message?.content ?? "");
}

function own<T>(map: Readonly<Record<string, T>> | undefined, key: string): T[] {
  return map && Object.hasOwn(map, key) ? [map[key] as T] : [];
}
