/** Wire shapes of workflow definitions, their versions and where new runs go. */
import * as z from "zod";
import { Id } from "../connection.ts";
import { WorkflowId, WorkflowVersion } from "../workflow-value.ts";

/** Correlation ids that a roll-out may name. */
export const ROLLOUT_KEYS_MAX = 1000;
/** Longest of them, in characters. */
const ROLLOUT_KEY_CHARS_MAX = 200;

const at = z.iso.datetime();

/** A definition as JSON; its schema is published at `/workflows/schema`, and it is checked in the handler. */
const Definition = z.record(z.string(), z.unknown());

/** What an upload may be: a definition, or the text of one, JSON or YAML; a document of the Serverless Workflow DSL 1.0 as well. */
export const UploadBody = z.union([z.strictObject({ source: z.string() }), Definition]);

const Rollout = z.object({
  version: WorkflowVersion,
  /** 0 to 100, of the starts. */
  percent: z.number(),
  /** Correlation ids (of starts without one: idempotency keys) that get it in any case. */
  keys: z.array(z.string()),
});

/** A workflow and where its new runs go. */
export const WorkflowView = z
  .object({
    id: WorkflowId,
    /** Of the active version. */
    name: z.string(),
    /** The version of runs that name none. */
    active: WorkflowVersion,
    /** What a roll-back goes to. */
    previous: WorkflowVersion.nullable(),
    rollout: Rollout.nullable(),
    /** No run starts. */
    paused: z.boolean(),
    /** Rises with every change; also the ETag. */
    revision: z.int(),
    updated_at: at,
  })
  .meta({ id: "Workflow" });
export type WorkflowView = z.infer<typeof WorkflowView>;

const Note = z.object({ path: z.string(), detail: z.string() });

/** `notes`: where an imported document runs differently from what its language promises, and what is named that is not there yet. */
export const UploadView = z.object({
  workflow: WorkflowId,
  version: WorkflowVersion,
  name: z.string(),
  /** SHA-256 of the canonical definition, hexadecimal. */
  digest: z.string(),
  /** New runs get it unless they name another one. */
  active: z.boolean(),
  notes: z.array(Note),
});

/** What an upload would do: `create` the version, `nothing` (it is there), or meet another one of that number. */
export const ValidationView = z.object({
  workflow: WorkflowId,
  version: WorkflowVersion,
  digest: z.string(),
  outcome: z.enum(["create", "nothing", "conflict"]),
  notes: z.array(Note),
  /** As it would be stored. */
  definition: Definition,
});

export const VersionView = z.object({
  workflow: WorkflowId,
  version: WorkflowVersion,
  name: z.string(),
  digest: z.string(),
  /** `rollout`: some new runs get it; `stored`: only runs that name it. */
  state: z.enum(["active", "rollout", "previous", "stored"]),
  created_at: at,
});
export type VersionView = z.infer<typeof VersionView>;

/** All of them. */
export const VersionList = z.object({ items: z.array(VersionView) });

export const VersionDetail = VersionView.extend({
  definition: Definition,
  /** As it was uploaded. */
  source: z.string(),
});

const FieldChange = z.object({
  path: z.string(),
  before: z.unknown().optional(),
  after: z.unknown().optional(),
});

export const DiffView = z.object({
  workflow: WorkflowId,
  from: WorkflowVersion,
  to: WorkflowVersion,
  /** The digests are equal. */
  same: z.boolean(),
  /** Ids of steps. */
  added: z.array(z.string()),
  removed: z.array(z.string()),
  changed: z.array(z.object({ step: z.string(), fields: z.array(FieldChange) })),
  start_moved: z.boolean(),
  /** Everything beside the steps. */
  fields: z.array(FieldChange),
});

export const PromoteBody = z.strictObject({ tenant: Id.optional(), version: WorkflowVersion });

export const RolloutBody = z.strictObject({
  tenant: Id.optional(),
  version: WorkflowVersion,
  /** Of the starts, 0 to 100; whoever got it keeps getting it while this does not fall. */
  percent: z.number().min(0).max(100).default(0),
  keys: z.array(z.string().min(1).max(ROLLOUT_KEY_CHARS_MAX)).max(ROLLOUT_KEYS_MAX).default([]),
});
export type RolloutBody = z.infer<typeof RolloutBody>;

/** Absent: what `Accept` prefers, else `mermaid`. */
export const GraphFormat = z.enum(["mermaid", "svg"]).optional();

const JsonSchema = z.union([Definition, z.boolean()]);

/** An action that definitions may name; `input` and `output` are JSON Schemas. */
export const ActionView = z.object({
  name: z.string(),
  /** `hub`: built in; `tenant`: a service of the tenant's own. */
  owner: z.enum(["hub", "tenant"]),
  description: z.string(),
  input: JsonSchema,
  output: JsonSchema,
});

/** All of them, by name. */
export const ActionList = z.object({ items: z.array(ActionView) });
