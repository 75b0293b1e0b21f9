/** Alert rules on the REST API: what is watched, when it counts as an alert, and how it stands. */
import * as z from "zod";

/** What a rule can watch. Ages in seconds; `…_per_minute` since the evaluation before. */
export const ALERT_METRICS = [
  "depth",
  "ready_depth",
  "oldest_age_seconds",
  "oldest_ready_age_seconds",
  "blocked_groups",
  "in_flight",
  "published_per_minute",
  "failed_per_minute",
  "dead_per_minute",
  "expired_per_minute",
] as const;
export const AlertMetric = z.enum(ALERT_METRICS);
export type AlertMetric = z.infer<typeof AlertMetric>;

/** Evaluations (one a minute) that a rule may ask for in a row: a day. */
export const EVALUATIONS_MAX = 1440;

const rule = {
  name: z.string().min(1).max(200),
  metric: AlertMetric,
  subscription: z
    .string()
    .min(1)
    .max(64)
    .optional()
    .describe("Of this subscription; absent: the largest value of any of them."),
  threshold: z.number().min(0).describe("Above this it counts."),
  clear_at: z
    .number()
    .min(0)
    .optional()
    .describe(
      "It is over when the value is at or below this; absent: the threshold. Below it by design, so that it does not flutter.",
    ),
  evaluations: z
    .int()
    .min(1)
    .max(EVALUATIONS_MAX)
    .default(3)
    .describe("So many evaluations in a row, one a minute, both ways."),
  severity: z.enum(["info", "warning", "critical"]).default("warning"),
};

export const AlertRuleInput = z
  .strictObject(rule)
  .refine(({ threshold, clear_at }) => clear_at === undefined || clear_at <= threshold, {
    path: ["clear_at"],
    message: "above the threshold",
  });
export type AlertRuleInput = z.infer<typeof AlertRuleInput>;

export const AlertRuleId = z.string().regex(/^alr_[0-9a-z]{22}$/, "expected a rule id (alr_…)");

export const AlertRuleView = z
  .object({
    id: AlertRuleId,
    ...rule,
    clear_at: z.number(),
    state: z.enum(["quiet", "raised"]),
    changed_at: z.iso.datetime().nullable().describe("When it was last raised or cleared."),
    value: z.number().nullable().describe("At the last evaluation; null before the first."),
    created_at: z.iso.datetime(),
  })
  .meta({ id: "AlertRule" });
