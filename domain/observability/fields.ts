/**
 * The fields a log line or a span may carry: one table of names and kinds. A name that is not here does
 * not compile and is dropped at run time; a value that does not fit its kind becomes "[redacted]".
 */
import { isSafeText, REDACTED } from "./safe-value.ts";

/** Largest number of each kind: what is beyond is no count, and may be a phone number. */
const NUMBER_MAX = {
  count: 999_999,
  /** 7 days. */
  ms: 604_800_000,
  /** 1 GiB. */
  bytes: 1_073_741_824,
  status: 599,
} as const;

const FIELDS = {
  tenant: "text",
  connection: "text",
  conversation: "text",
  message: "text",
  turn: "text",
  delivery: "text",
  deadLetter: "text",
  event: "text",
  subscription: "text",
  key: "text",
  bot: "text",
  trace: "text",
  request: "text",
  channel: "text",
  provider: "text",
  route: "text",
  agent: "text",
  model: "text",
  tool: "text",
  operation: "text",
  state: "text",
  outcome: "text",
  reason: "text",
  code: "text",
  stage: "text",
  kind: "text",
  type: "text",
  queue: "text",
  job: "text",
  method: "text",
  policy: "text",
  dependency: "text",
  httpStatus: "status",
  attempt: "count",
  slot: "count",
  messages: "count",
  statuses: "count",
  ignored: "count",
  duplicates: "count",
  dropped: "count",
  tokens: "count",
  conversations: "count",
  replies: "count",
  parts: "count",
  rows: "count",
  items: "count",
  failures: "count",
  spans: "count",
  bytes: "bytes",
  durationMs: "ms",
  waitMs: "ms",
  lagMs: "ms",
  retryAfterMs: "ms",
  ok: "flag",
  retried: "flag",
  recovered: "flag",
  sampled: "flag",
} as const satisfies Record<string, "text" | "flag" | keyof typeof NUMBER_MAX>;

type FieldName = keyof typeof FIELDS;
type ValueOf<Kind> = Kind extends "text" ? string : Kind extends "flag" ? boolean : number;

/** Fields by name; `undefined` is left out. */
export type SafeFields = {
  readonly [Name in FieldName]?: ValueOf<(typeof FIELDS)[Name]> | undefined;
};

/** The fields that may go out, in the order given, each judged by its kind. */
export function cleanFields(
  fields: SafeFields,
): [name: FieldName, value: string | number | boolean][] {
  const clean: [FieldName, string | number | boolean][] = [];
  for (const [name, value] of Object.entries(fields)) {
    if (isFieldName(name) && value !== undefined) clean.push([name, judged(name, value)]);
  }
  return clean;
}

function isFieldName(name: string): name is FieldName {
  return Object.hasOwn(FIELDS, name);
}

function judged(name: FieldName, value: unknown): string | number | boolean {
  const kind = FIELDS[name];
  if (kind === "text") return typeof value === "string" && isSafeText(value) ? value : REDACTED;
  if (kind === "flag") return typeof value === "boolean" ? value : REDACTED;
  const fits = typeof value === "number" && value >= 0 && value <= NUMBER_MAX[kind];
  return fits ? value : REDACTED;
}
