/**
 * What a successful Web API answer tells: the platform's id of what was made, and what later steps need.
 */
import type { SendOutcome } from "../../schema/outbound.ts";
import { type Fields, fieldsOf } from "../shared/fields.ts";
import { idOf, listOf, stringOf, tsOf } from "./fields.ts";

type Delivered = Extract<SendOutcome, { readonly outcome: "delivered" }>;

/** Reads an `ok: true` answer of a step; undefined where it lacks what the next step cannot do without. */
export function deliveredOf(kind: string, answer: Fields): Delivered | undefined {
  switch (kind) {
    case "upload_url":
      return dataOf({ upload_url: stringOf(answer.upload_url), file_id: idOf(answer.file_id) });
    case "open_dm":
      return dataOf({ channel: idOf(fieldsOf(answer.channel)?.id) });
    case "complete":
      return withId(sharedTs(answer) ?? idOf(fieldsOf(listOf(answer.files)[0])?.id));
    default:
      return withId(tsOf(answer.ts));
  }
}

function withId(platformId: string | undefined): Delivered {
  return { outcome: "delivered", ...(platformId === undefined ? {} : { platformId }) };
}

function dataOf(wanted: Readonly<Record<string, string | undefined>>): Delivered | undefined {
  const data: Record<string, string> = {};
  for (const [name, value] of Object.entries(wanted)) {
    if (value === undefined) {
      return undefined;
    }
    data[name] = value;
  }
  return { outcome: "delivered", data };
}

/** The timestamp of the message in which an uploaded file was shared, where Slack already says it. */
function sharedTs(answer: Fields): string | undefined {
  const shares = fieldsOf(fieldsOf(listOf(answer.files)[0])?.shares);
  for (const kind of [shares?.public, shares?.private]) {
    for (const entries of Object.values(fieldsOf(kind) ?? {})) {
      const ts = tsOf(fieldsOf(listOf(entries)[0])?.ts);
      if (ts !== undefined) {
        return ts;
      }
    }
  }
  return undefined;
}
