/** Wire shapes of the registry of event types. */
import * as z from "zod";
import { EventType, EventVersion } from "../event.ts";

/** Longest description of an event type, in characters. */
export const DESCRIPTION_CHARS_MAX = 2000;

const Compatibility = z.enum(["backward", "forward", "full", "none"]);
const Description = z.string().max(DESCRIPTION_CHARS_MAX);

/** A JSON Schema: an object, true or false. What may be in it is judged when it is registered. */
const JsonSchemaInput = z.union([z.record(z.string(), z.unknown()), z.boolean()]);

export const AddVersion = z.strictObject({ version: EventVersion, schema: JsonSchemaInput });

/** `version` and `schema` together: the first version; without them the type takes no events yet. */
export const CreateEventType = z
  .strictObject({
    name: EventType,
    description: Description.default(""),
    compatibility: Compatibility.default("backward"),
    version: EventVersion.optional(),
    schema: JsonSchemaInput.optional(),
  })
  .refine(
    (body) => (body.version === undefined) === (body.schema === undefined),
    "version and schema go together",
  );

export const PatchEventType = z.strictObject({
  description: Description.optional(),
  compatibility: Compatibility.optional(),
});

const EventTypeCore = z.object({
  name: EventType,
  owner: z
    .enum(["hub", "tenant"])
    .describe("`hub`: published by the hub itself, the same for every tenant."),
  description: z.string(),
  compatibility: Compatibility,
  created_at: z.iso.datetime().nullable(),
  updated_at: z.iso.datetime().nullable(),
});

/** In a list: versions by name only, rising. */
export const EventTypeSummary = EventTypeCore.extend({ versions: z.array(EventVersion) });

export const EventTypeView = EventTypeCore.extend({
  versions: z.array(
    z.object({
      version: EventVersion,
      schema: JsonSchemaInput,
      created_at: z.iso.datetime().nullable(),
    }),
  ),
});
export type EventTypeView = z.infer<typeof EventTypeView>;
