/**
 * What one run may take, so that its whole state fits the result of one Workflows step (1 MiB; Cloudflare
 * Workflows, limits) and a run that never ends is ended here, not by the platform.
 */

/** Steps begun in one run, rounds and items included: half of the state at about 250 bytes a record. */
export const RUN_STEPS_MAX = 2000;
/** Serialised output of one step, in characters of JSON: larger things belong into R2, with a reference as output. */
export const STEP_OUTPUT_CHARS_MAX = 262_144;
/** Inputs, outputs, variables and arrivals that one run holds, in characters of JSON: the other half of its state. */
export const RUN_DATA_CHARS_MAX = 524_288;
/** Entries of one run's log, five for each step (begun, tried again, answered): then the run fails with `log_full`. */
export const RUN_LOG_ENTRIES_MAX = 10_000;
/** Signals and events that wait for a step that takes them. */
export const ARRIVALS_MAX = 100;
/** Comments and reassignments of one task. */
export const TASK_NOTES_MAX = 100;
/** Ids of arrivals that are remembered, to tell a repetition. */
export const ARRIVAL_IDS_MAX = 256;
/** Longest text of an error that is kept, in characters. */
export const ERROR_MESSAGE_CHARS_MAX = 500;
/** Time of one attempt where the definition says nothing, in ms: ten minutes (Cloudflare Workflows, default of a step). */
export const ATTEMPT_TIMEOUT_MS_DEFAULT = 600_000;
/** Time of one attempt of a child run where the definition says nothing, in ms: 365 days (Cloudflare Workflows, longest
 *  sleep). People and waits are within it. */
export const CHILD_TIMEOUT_MS_DEFAULT = 31_536_000_000;
