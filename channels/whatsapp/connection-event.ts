/**
 * What happens to the instance: pairing, opening, closing, removal. Evolution says `close` only when it has
 * given up reconnecting; every other drop stays `connecting`.
 */
import { ok, type Result } from "../../domain/result.ts";
import type { ConnectionChange, WebhookReading } from "../../schema/parsed.ts";
import type { ParseFailure } from "../channel-adapter.ts";
import {
  type Fields,
  fieldsOf,
  memberOf,
  objectOf,
  stringOf,
  wrongShape,
} from "../shared/fields.ts";
import { connectionChanged } from "./reading.ts";

type State = ConnectionChange["state"];

const STATES: Readonly<Record<string, State>> = {
  open: "open",
  connecting: "connecting",
  close: "closed",
  closed: "closed",
  refused: "refused",
};
const CODE_CHARS_MAX = 4096;
/** A QR code as an image: about 10 kB. */
const QR_CHARS_MAX = 100_000;

/** True for the events read here. */
export function isConnectionEvent(event: string): boolean {
  return Object.hasOwn(READERS, event);
}

/** Reads one of them. */
export function readConnectionEvent(
  event: string,
  data: unknown,
): Result<WebhookReading, ParseFailure> {
  const change = READERS[event]?.(fieldsOf(data));
  return change === undefined
    ? wrongShape("data: expected a state of the instance")
    : ok(connectionChanged(change));
}

const READERS: Readonly<
  Record<string, (data: Fields | undefined) => ConnectionChange | undefined>
> = {
  CONNECTION_UPDATE: connectionUpdate,
  QRCODE_UPDATED: qrcodeUpdated,
  STATUS_INSTANCE: statusInstance,
  LOGOUT_INSTANCE: () => ({ state: "closed", detail: "logout.instance" }),
  REMOVE_INSTANCE: () => ({ state: "closed", detail: "remove.instance" }),
  INSTANCE_DELETE: () => ({ state: "closed", detail: "instance.delete" }),
};

function connectionUpdate(data: Fields | undefined): ConnectionChange | undefined {
  const state = stateOf(stringOf(data, "state"));
  const code = memberOf(data, "statusReason");
  return state === undefined ? undefined : { state, ...detailOf("connection.update", code) };
}

function statusInstance(data: Fields | undefined): ConnectionChange | undefined {
  const state = stateOf(stringOf(data, "status"));
  const code = memberOf(data, "disconnectionReasonCode");
  return state === undefined ? undefined : { state, ...detailOf("status.instance", code) };
}

/** Without a `qrcode` it is the message that no more codes will be made. */
function qrcodeUpdated(data: Fields | undefined): ConnectionChange | undefined {
  const qrcode = objectOf(data, "qrcode");
  if (qrcode === undefined) {
    const code = memberOf(data, "statusCode");
    return code === undefined ? undefined : { state: "refused", ...detailOf("qrcode.limit", code) };
  }
  const code = bounded(qrcode, "code", CODE_CHARS_MAX);
  const base64 = bounded(qrcode, "base64", QR_CHARS_MAX);
  const pairingCode = bounded(qrcode, "pairingCode", CODE_CHARS_MAX);
  return { state: "qr", qr: { ...code, ...base64, ...pairingCode } };
}

function stateOf(name: string | undefined): State | undefined {
  return name !== undefined && Object.hasOwn(STATES, name) ? STATES[name] : undefined;
}

function detailOf(event: string, code: unknown): { readonly detail: string } {
  return { detail: Number.isSafeInteger(code) ? `${event} ${code}` : event };
}

function bounded(fields: Fields, name: string, charsMax: number): Readonly<Record<string, string>> {
  const value = stringOf(fields, name);
  return value === undefined || value.length > charsMax ? {} : { [name]: value };
}
