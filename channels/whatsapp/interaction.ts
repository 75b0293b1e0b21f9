/**
 * Answers to buttons, lists, flows and polls: gestures on an earlier message. `metadata.interaction` is
 * `{type, id?, title?, values?}`; the text is what the person saw, so that a bot may read it like a message.
 */
import type { MessageContent } from "../../schema/message.ts";
import { type Fields, fieldsOf, listOf, objectOf, stringOf } from "../shared/fields.ts";
import { readJson } from "../shared/json.ts";
import { wellFormed } from "../shared/text.ts";
import { votesOf } from "./poll.ts";
import type { Unwrapped } from "./unwrap.ts";

export interface Gesture {
  readonly content: MessageContent;
  /** Platform id of the message with the button, where the payload says it. */
  readonly targetId: string | undefined;
}

interface Choice {
  readonly type: "button" | "list" | "flow" | "poll_vote";
  readonly id?: string | undefined;
  readonly title?: string | undefined;
  readonly values?: readonly string[];
}

/** Longest flow answer read, in characters. */
const PARAMS_CHARS_MAX = 20_000;

/** The gesture this content is, or undefined. */
export function readGesture(content: Unwrapped, data: Fields): Gesture | undefined {
  const body = fieldsOf(content.body);
  const choice = choiceOf(content.type, body, data);
  if (choice === undefined) {
    return undefined;
  }
  const poll = objectOf(body, "pollCreationMessageKey");
  const quoted = objectOf(body, "contextInfo") ?? objectOf(data, "contextInfo");
  const target = stringOf(poll, "id") ?? stringOf(quoted, "stanzaId");
  return {
    content: contentOf(choice),
    targetId: target === undefined ? undefined : wellFormed(target),
  };
}

function choiceOf(type: string, body: Fields | undefined, data: Fields): Choice | undefined {
  switch (type) {
    case "buttonsResponseMessage":
      return {
        type: "button",
        id: stringOf(body, "selectedButtonId"),
        title: stringOf(body, "selectedDisplayText"),
      };
    case "templateButtonReplyMessage":
      return {
        type: "button",
        id: stringOf(body, "selectedId"),
        title: stringOf(body, "selectedDisplayText"),
      };
    case "listResponseMessage":
      return {
        type: "list",
        id: stringOf(objectOf(body, "singleSelectReply"), "selectedRowId"),
        title: stringOf(body, "title"),
      };
    case "interactiveResponseMessage":
      return flowChoice(body);
    case "pollUpdateMessage":
      return { type: "poll_vote", values: votesOf(listOf(data, "pollUpdates")) };
    default:
      return undefined;
  }
}

/** A native flow's answer is JSON in a string; only its id is understood. */
function flowChoice(body: Fields | undefined): Choice {
  const flow = objectOf(body, "nativeFlowResponseMessage");
  const params = (stringOf(flow, "paramsJson") ?? "").slice(0, PARAMS_CHARS_MAX);
  const json = readJson(new TextEncoder().encode(params));
  return {
    type: "flow",
    id: json.ok ? stringOf(fieldsOf(json.value), "id") : undefined,
    title: stringOf(objectOf(body, "body"), "text"),
  };
}

function contentOf({ type, id, title, values }: Choice): MessageContent {
  const interaction = {
    type,
    ...(id === undefined ? {} : { id: wellFormed(id) }),
    ...(title === undefined ? {} : { title: wellFormed(title) }),
    ...(values === undefined ? {} : { values }),
  };
  const text = title ?? id ?? values?.join(", ") ?? "";
  return { text: wellFormed(text), media: [], metadata: { interaction } };
}
