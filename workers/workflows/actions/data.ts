/** `data.get`, `data.put`, `data.delete`: the tenant's own data, by key. */
import { fail, ok } from "../../../domain/result.ts";
import { databaseFor } from "../../../platform/database.ts";
import {
  DATA_KEY_CHARS_MAX,
  DATA_VALUE_CHARS_MAX,
  deleteData,
  RESERVED_KEYS,
  readData,
  writeData,
} from "../../../platform/repositories/tenant-data.ts";
import { type Action, membersOf, never } from "./action.ts";

const key = { type: "string", minLength: 1, maxLength: DATA_KEY_CHARS_MAX };

export const dataGet: Action = {
  description:
    "Reads a value of the tenant's data. Where there is none, value and revision are null and 0.",
  input: { type: "object", required: ["key"], additionalProperties: false, properties: { key } },
  output: {
    type: "object",
    required: ["value", "revision"],
    properties: { value: {}, revision: { type: "integer" } },
  },
  async run({ env, tenant }, input) {
    const name = String(membersOf(input).key);
    if (name.startsWith(RESERVED_KEYS)) return never("reserved_key");
    const stored = await readData(databaseFor(env, tenant), tenant, name);
    return ok({ value: stored?.value ?? null, revision: stored?.revision ?? 0 });
  },
};

export const dataPut: Action = {
  description:
    "Writes a value of the tenant's data. With `revision` only if the value still is at it (0: there is none), else it fails with `revision_conflict`.",
  input: {
    type: "object",
    required: ["key", "value"],
    additionalProperties: false,
    properties: { key, value: {}, revision: { type: "integer", minimum: 0 } },
  },
  output: { type: "object", required: ["revision"], properties: { revision: { type: "integer" } } },
  async run({ env, tenant, idempotencyKey: by }, input) {
    const { key: name = "", value = null, revision } = membersOf(input);
    if (String(name).startsWith(RESERVED_KEYS)) return never("reserved_key");
    if (JSON.stringify(value).length > DATA_VALUE_CHARS_MAX) return never("too_large");
    const expected = typeof revision === "number" ? { expected: revision } : {};
    const write = { tenant, key: String(name), value, by, nowMs: Date.now(), ...expected };
    const written = await writeData(databaseFor(env, tenant), write);
    if (written.ok) return ok({ revision: written.value.revision });
    return fail({ reason: written.failure.reason, retryable: false });
  },
};

export const dataDelete: Action = {
  description: "Deletes a value of the tenant's data; one that is not there is no failure.",
  input: { type: "object", required: ["key"], additionalProperties: false, properties: { key } },
  output: { type: "object", required: ["deleted"], properties: { deleted: { type: "boolean" } } },
  async run({ env, tenant }, input) {
    const name = String(membersOf(input).key);
    if (name.startsWith(RESERVED_KEYS)) return never("reserved_key");
    return ok({ deleted: await deleteData(databaseFor(env, tenant), tenant, name) });
  },
};
