/**
 * Every metric: name, type, help and labels in one table. A metric that is not here does not compile.
 * Labels are ids and codes with few values; a tenant's own view holds the metrics with a `tenant` label.
 */

/** Seconds; upper bounds of the buckets, +Inf follows. */
export const LATENCY_BUCKETS = [
  0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60,
] as const;

interface Metric {
  readonly type: "counter" | "gauge" | "histogram";
  readonly help: string;
  readonly labels: readonly string[];
}

function counter<const L extends readonly string[]>(help: string, ...labels: L) {
  return { type: "counter", help, labels } as const;
}

function gauge<const L extends readonly string[]>(help: string, ...labels: L) {
  return { type: "gauge", help, labels } as const;
}

function histogram<const L extends readonly string[]>(help: string, ...labels: L) {
  return { type: "histogram", help, labels } as const;
}

export const CATALOGUE = {
  webhooks_total: counter("Webhook requests answered", "channel", "outcome"),
  signature_failures_total: counter("Webhooks with a bad signature", "channel", "reason"),
  refusals_total: counter("Requests refused at a door", "reason"),
  connection_changes_total: counter("Connection states as told by platforms", "channel", "state"),
  messages_accepted_total: counter("Messages stored before the ack", "tenant", "channel", "kind"),
  messages_duplicate_total: counter("Messages seen before", "tenant", "channel"),
  messages_ignored_total: counter("Events without a message", "channel", "type"),
  messages_dropped_total: counter("Messages or replies dropped", "tenant", "reason"),
  messages_unanswered_total: counter("Messages left without a reply", "tenant", "reason"),
  accept_retries_total: counter("Accepts repeated after a failed call"),
  persist_failures_total: counter("Message inserts that failed", "tenant"),
  record_failures_total: counter("Outbound rows that could not be written", "tenant"),
  turns_total: counter("Turns ended", "tenant", "route", "outcome"),
  turn_duration_seconds: histogram("Time of a turn", "route"),
  sends_total: counter("Outbound messages ended", "tenant", "channel", "outcome"),
  send_duration_seconds: histogram("Time of one request to a platform", "channel"),
  send_retries_total: counter("Sends to be repeated", "tenant", "channel", "reason"),
  send_refusals_total: counter("Sends held back before the platform", "tenant", "reason"),
  reconciliations_total: counter("Uncertain sends asked about", "channel", "outcome"),
  admission_failures_total: counter("Admissions that could not be asked"),
  breaker_transitions_total: counter("Circuit breaker state changes", "tenant", "to"),
  statuses_total: counter("Delivery statuses taken in", "channel", "status", "outcome"),
  turn_beats_lost_total: counter("Signs of life of a slow turn that did not arrive", "tenant"),
  replayed_events_total: counter("Events handed over by replays", "tenant"),
  dead_letters_replayed_total: counter("Dead letters taken back in", "tenant", "stage"),
  conversations_swept_total: counter("Conversations visited by the sweeper", "outcome"),
  dead_letters_total: counter("Dead letters written", "tenant", "stage", "reason"),
  queue_tokens_total: counter("Queue tokens", "queue", "outcome"),
  media_total: counter("Media items moved", "tenant", "outcome"),
  cache_requests_total: counter("Cache look-ups: hit or miss", "cache", "outcome"),
  /** Computed from cache_requests_total when metrics are rendered. */
  cache_hit_ratio: gauge("Share of cache look-ups that hit, 0 to 1", "cache"),
  http_requests_total: counter("API requests answered", "route", "method", "status"),
  http_request_seconds: histogram("Time of an API request", "route"),
  service_data_latency_seconds: histogram("Time of a data access", "service", "operation"),
  archived_rows_total: counter(
    "Rows of the archive, by what became of them",
    "tenant",
    "kind",
    "outcome",
  ),
  deliveries_total: counter("Webhook delivery attempts ended", "tenant", "outcome"),
  delivery_duration_seconds: histogram("Time of one webhook request"),
  delivery_refusals_total: counter("Webhook deliveries held back", "tenant", "reason"),
  delivery_log_failures_total: counter("Delivery attempts that could not be logged", "tenant"),
  endpoint_changes_total: counter("Webhook endpoints whose health changed", "tenant", "change"),
  endpoint_health_failures_total: counter("Endpoint health that could not be noted", "tenant"),
  events_published_total: counter("Events accepted", "tenant"),
  events_duplicate_total: counter("Events seen before", "tenant"),
  events_refused_total: counter("Events that a shard did not take", "tenant", "reason"),
  event_chains_ended_total: counter(
    "Events at the end of their chain: no run, child or message came of them, or they were not taken",
    "tenant",
    "at",
  ),
  event_echoes_total: counter("Messages that were not told to their own conversation", "tenant"),
  event_deliveries_total: counter("Deliveries settled", "tenant", "subscription", "outcome"),
  event_queue_depth: gauge("Deliveries by place", "tenant", "subscription", "shard", "place"),
  event_queue_priority_depth: gauge(
    "Deliveries by priority",
    "tenant",
    "subscription",
    "shard",
    "priority",
  ),
  event_queue_oldest_seconds: gauge(
    "Age of the oldest delivery",
    "tenant",
    "subscription",
    "shard",
  ),
  event_queue_due_seconds: gauge(
    "Age of the oldest that could go out",
    "tenant",
    "subscription",
    "shard",
  ),
  event_queue_blocked_groups: gauge(
    "Partitions that wait for a person",
    "tenant",
    "subscription",
    "shard",
  ),
  event_queue_consumers: gauge("Consumers with a lease", "tenant", "subscription", "shard"),
  workflow_starts_total: counter("Starts of runs asked for", "tenant", "trigger", "outcome"),
  workflow_runs_total: counter("Runs ended", "tenant", "workflow", "outcome"),
  workflow_run_seconds: histogram("Time of a run, waits included", "tenant", "outcome"),
  workflow_step_seconds: histogram("Time of a step, retries included", "tenant", "type", "outcome"),
  workflow_transitions_total: counter("Entries of the runs' trails", "tenant", "what"),
  workflow_failures_total: counter(
    "Steps and undos that failed or are tried again",
    "tenant",
    "what",
    "reason",
  ),
  workflow_refusals_total: counter("Events that a run did not take", "event", "reason"),
  workflow_actions_total: counter("Attempts of actions ended", "tenant", "outcome"),
  workflow_secrets_refused_total: counter(
    "Secrets that were not sent where a step wanted them",
    "tenant",
    "reason",
  ),
  workflow_large_values_total: counter(
    "Outputs kept apart from their runs, and put back where they were needed",
    "tenant",
    "outcome",
  ),
  workflow_wakes_total: counter("Instances woken or replaced by their run's object", "outcome"),
  workflow_task_answers_total: counter("Answers given to tasks", "tenant", "way", "outcome"),
  workflow_tasks_untold_total: counter(
    "Tasks that could not be put to a channel or person",
    "tenant",
    "reason",
  ),
  workflow_duties_failed_total: counter("Duties of a run's object to be tried again", "duty"),
  alert_evaluations_total: counter("Alert rules evaluated", "outcome"),
  tenants_erased_total: counter("Erasures of deleted tenants, by how far they came", "outcome"),
  schedule_slots_total: counter("Slots of schedules by what became of them", "tenant", "outcome"),
  schedule_starts_lost_total: counter(
    "Starts of slots that found nobody, to be repeated",
    "tenant",
  ),
  schedule_history_failures_total: counter("Histories of slots not written yet", "tenant"),
  schedules_broken_total: counter("Schedules that could not be decided", "tenant"),
  schedulers_rearmed_total: counter("Schedulers that had lost their alarm or lagged behind"),
  schedulers_unwatched_total: counter("Schedulers that could not be looked after"),
  workflow_triggers_total: counter(
    "What triggers made of what happened",
    "tenant",
    "trigger",
    "outcome",
  ),
  workflow_triggers_unbound_total: counter(
    "Triggers without effect, for want of room",
    "tenant",
    "reason",
  ),
  awaited_events_total: counter("Events by what runs that wait made of them", "tenant", "outcome"),
  pending_statuses_forgotten_total: counter(
    "Early statuses of sends that nobody recorded, forgotten",
  ),
  slots_total: counter("Slots of old rows whose time was over", "outcome"),
  message_events_total: counter("Events of messages by what the bus said", "tenant", "outcome"),
  outbox_events_total: counter("Events of the outbox by what the bus said", "tenant", "outcome"),
  outbox_failures_total: counter("Outboxes that could not be read or emptied", "tenant"),
  jobs_total: counter("Scheduled jobs run", "job", "outcome"),
  gateway_sessions: gauge("Discord Gateway sessions", "state"),
  audit_late_total: counter("Audit batches that were put aside, appended later", "outcome"),
  audit_failures_total: counter(
    "Audit appends repeated, put aside or lost, heads and archives not written",
    "reason",
  ),
  auth_failures_total: counter("API requests whose caller is not known"),
  trace_exports_total: counter("Span batches sent to the collector", "outcome"),
  metrics_flush_failures_total: counter("Metric batches that had to be kept for later"),
} as const satisfies Record<string, Metric>;

type Catalogue = typeof CATALOGUE;
export type MetricName = keyof Catalogue;
type NameOf<Type extends Metric["type"]> = {
  [Name in MetricName]: Catalogue[Name]["type"] extends Type ? Name : never;
}[MetricName];

export type CounterName = NameOf<"counter">;
export type GaugeName = NameOf<"gauge">;
export type HistogramName = NameOf<"histogram">;

/** The labels of a metric, all of them. */
export type LabelsOf<Name extends MetricName> = {
  readonly [Label in Catalogue[Name]["labels"][number]]: string;
};

export function isMetricName(name: string): name is MetricName {
  return Object.hasOwn(CATALOGUE, name);
}
