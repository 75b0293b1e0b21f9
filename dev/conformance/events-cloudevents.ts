/** The case file of CloudEvents 1.0: formats, modes, attribute rules and header encoding. */
import {
  BATCH_TYPE,
  modeOf,
  readCloudEvents,
  writeBatch,
} from "../../domain/events/cloudevents.ts";
import type { CloudEvent } from "../../domain/events/cloudevents-attributes.ts";
import { decodeHeader, encodeHeader, writeBinary } from "../../domain/events/cloudevents-binary.ts";
import { readStructured, structuredOf } from "../../domain/events/cloudevents-json.ts";
import { toCloudEvent, toEnvelope } from "../../domain/events/envelope.ts";
import type { Tally } from "./events-tally.ts";

type Json = Readonly<Record<string, unknown>>;
type Headers = Readonly<Record<string, string>>;

interface BinaryForm {
  readonly headers: Headers;
  readonly body?: string;
  readonly body_base64?: string;
  readonly body_json?: unknown;
}

export interface CloudEventsFile {
  readonly json_format_to_http_binary: readonly {
    readonly name: string;
    readonly structured: Json;
    readonly binary: BinaryForm;
  }[];
  readonly batch: readonly {
    readonly name: string;
    readonly content_type: string;
    readonly body: readonly Json[];
    readonly count: number;
  }[];
  readonly http_requests: readonly {
    readonly name: string;
    readonly request: { readonly headers: Headers; readonly body: string };
    readonly mode: string;
    readonly attributes?: Json;
    readonly data?: unknown;
    readonly count?: number;
  }[];
  readonly conformance_minimum_events: readonly {
    readonly attributes: Headers;
    readonly body: string;
  }[];
  readonly validation: readonly {
    readonly name: string;
    readonly event?: Json;
    readonly event_json?: string;
    readonly valid: boolean;
  }[];
  readonly header_encoding: readonly { readonly value: string; readonly header: string }[];
  readonly header_decoding: readonly { readonly header: string; readonly value?: string }[];
}

const NOW_MS = Date.UTC(2026, 10, 21);

export function runCloudEvents(file: CloudEventsFile, to: Tally): void {
  for (const pair of file.json_format_to_http_binary) runPair(pair, to);
  for (const one of file.batch) runBatch(one, to);
  for (const one of file.http_requests) runRequest(one, to);
  for (const { attributes, body } of file.conformance_minimum_events)
    runMinimum(attributes, body, to);
  for (const { name, event, event_json, valid } of file.validation) {
    const json: unknown = event ?? JSON.parse(event_json ?? "");
    to.check(`validation: ${name}`, () => readStructured(json).ok, valid);
  }
  for (const { value, header } of file.header_encoding)
    to.check(`encode ${value}`, () => encodeHeader(value), header);
  for (const { value, header } of file.header_decoding)
    to.check(`decode ${header}`, () => decodeHeader(header), value);
}

/** Structured to binary as the file has it, binary back to structured, and through the envelope. */
function runPair(pair: CloudEventsFile["json_format_to_http_binary"][number], to: Tally): void {
  const { name, structured, binary } = pair;
  const event = () => only(readStructured(structured));
  const written = () => writeBinary(event());
  to.check(`${name}: headers`, () => Object.fromEntries(written().headers), binary.headers);
  to.check(`${name}: body`, () => bodyOf(written().body, binary), true);
  const body = bytesOf(binary);
  const back = () => only(first(Object.entries(binary.headers), body));
  to.check(`${name}: back`, () => texts(structuredOf(back())), texts(shown(structured)));
  const through = () => structuredOf(toCloudEvent(only(toEnvelope(event(), NOW_MS))));
  const named: Json = { time: new Date(NOW_MS).toISOString(), eventversion: "1.0" };
  to.check(`${name}: envelope`, through, { ...named, ...bare(structured) });
}

function runBatch(one: CloudEventsFile["batch"][number], to: Tally): void {
  const body = encode(JSON.stringify(one.body));
  const read = () => only(readCloudEvents({ headers: [["Content-Type", one.content_type]], body }));
  to.check(`batch ${one.name}: count`, () => read().events.length, one.count);
  const again = () => writeBatch(read().events);
  to.check(`batch ${one.name}: type`, () => again().contentType, BATCH_TYPE);
  to.check(`batch ${one.name}: body`, () => JSON.parse(again().body), one.body);
}

function runRequest(one: CloudEventsFile["http_requests"][number], to: Tally): void {
  const { name, request, mode } = one;
  const headers = Object.entries(request.headers);
  to.check(`${name}: mode`, () => modeOf(new Map(headers)), mode);
  const read = readCloudEvents({ headers, body: encode(request.body) });
  const known = mode !== "unsupported" && mode !== "none";
  to.check(`${name}: read`, () => (read.ok ? read.value.mode : read.failure.reason), mode);
  if (!known || !read.ok) return;
  if (one.count !== undefined)
    to.check(`${name}: count`, () => read.value.events.length, one.count);
  const event = read.value.events[0];
  if (!one.attributes || !event) return;
  to.check(`${name}: attributes`, () => Object.fromEntries(event.attributes), one.attributes);
  to.check(`${name}: data`, () => event.data, { is: "json", value: one.data });
}

/** Binary in, out again byte for byte or JSON for JSON, and structured and back. */
function runMinimum(attributes: Headers, text: string, to: Tally): void {
  const name = `minimum ${attributes.id}`;
  const type = attributes.datacontenttype ?? "";
  const headers = Object.entries(attributes).map(([attribute, value]) =>
    attribute === "datacontenttype"
      ? (["Content-Type", value] as const)
      : ([`CE-${attribute}`, encodeHeader(value)] as const),
  );
  const event = () => only(first(headers, encode(text)));
  to.check(`${name}: attributes`, () => Object.fromEntries(event().attributes), attributes);
  const plain = (body: string) => (type.includes("json") ? JSON.parse(body) : body);
  const out = () => plain(decode(writeBinary(event()).body));
  to.check(`${name}: data`, out, plain(text));
  const round = () => structuredOf(only(readStructured(structuredOf(event()))));
  to.check(`${name}: structured`, round, structuredOf(event()));
}

function first(headers: Iterable<readonly [string, string]>, body: Uint8Array) {
  const read = readCloudEvents({ headers, body });
  return read.ok ? { ok: true as const, value: read.value.events[0] as CloudEvent } : read;
}

function only<T>(result: { ok: true; value: T } | { ok: false; failure: unknown }): T {
  if (result.ok) return result.value;
  throw new Error(JSON.stringify(result.failure));
}

/** What binary mode keeps of an event: no nulls, and every attribute as text. */
function texts(event: Json): Json {
  return Object.fromEntries(
    Object.entries(bare(event))
      .map(([name, value]) => [name, name === "data" ? value : String(value)] as const)
      .sort(([a], [b]) => (a < b ? -1 : 1)),
  );
}

/** JSON data without a type has one in binary mode. */
function shown(event: Json): Json {
  if ("datacontenttype" in event || !("data" in event)) return event;
  return { ...event, datacontenttype: "application/json" };
}

function bare(event: Json): Json {
  const kept = Object.entries(event).filter(([name, value]) => name === "data" || value !== null);
  return Object.fromEntries(kept);
}

function bodyOf(body: Uint8Array, { body: text, body_base64, body_json }: BinaryForm): boolean {
  if (text !== undefined) return decode(body) === text;
  if (body_base64 !== undefined) return Buffer.from(body).toString("base64") === body_base64;
  return JSON.stringify(JSON.parse(decode(body))) === JSON.stringify(body_json);
}

function bytesOf({ body, body_base64, body_json }: BinaryForm): Uint8Array {
  if (body !== undefined) return encode(body);
  if (body_base64 !== undefined) return Uint8Array.from(Buffer.from(body_base64, "base64"));
  return encode(JSON.stringify(body_json));
}

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function decode(bytes: Uint8Array): string {
  return new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(bytes);
}
