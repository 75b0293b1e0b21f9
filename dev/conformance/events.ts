/**
 * Runs the case files of `DIR/events` through the event backbone's own decisions and says per file how many cases
 * hold. Files it knows no runner for are skipped with the reason, never passed.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { runCloudEvents } from "./events-cloudevents.ts";
import { runDeadLetter, runDeliveryPolicy } from "./events-delivery.ts";
import { runFilter, runRabbitTopics, runTopicMatching } from "./events-matching.ts";
import { runInboundHmac, runSsrf, runStandardWebhooks } from "./events-signatures.ts";
import { type Tally, tally } from "./events-tally.ts";

export interface EventLine {
  /** Relative to the directory, with forward slashes. */
  readonly file: string;
  readonly outcome: "passed" | "failed" | "skipped";
  /** Cases that were run. */
  readonly cases: number;
  /** The cases that do not hold: name, expected and actual. */
  readonly failures?: readonly string[];
  /** Optional cases of the file that were left out. */
  readonly left_out?: number;
  readonly reason?: string;
}

type Runner = (json: unknown, to: Tally) => void | Promise<void>;

const RUNNERS: ReadonlyMap<string, Runner> = new Map([
  ["cloudevents.json", runCloudEvents as Runner],
  ["dead-letter.json", runDeadLetter as Runner],
  ["delivery-policy.json", runDeliveryPolicy as Runner],
  ["inbound-hmac.json", runInboundHmac as Runner],
  ["json-filter.json", runFilter as Runner],
  ["rabbitmq-topic-vectors.json", runRabbitTopics as Runner],
  ["ssrf.json", runSsrf as Runner],
  ["standard-webhooks.json", runStandardWebhooks as Runner],
  ["topic-matching-exhaustive.json", runTopicMatching as Runner],
]);

/** Files that are known and not run. */
const SKIPPED: ReadonlyMap<string, string> = new Map([
  ["cesql-tck.json", "CloudEvents SQL is not offered: filters are JSON filters"],
]);

/** One line a file, in a stable order; none where there is no `events` folder. */
export async function runEventsConformance(directory: string): Promise<readonly EventLine[]> {
  const folder = join(directory, "events");
  if (!existsSync(folder)) return [];
  const names = readdirSync(folder).filter((name) => name.endsWith(".json"));
  const lines: EventLine[] = [];
  for (const name of names.sort()) lines.push(await runFile(folder, name));
  return lines;
}

async function runFile(folder: string, name: string): Promise<EventLine> {
  const file = `events/${name}`;
  const runner = RUNNERS.get(name);
  if (!runner) {
    const reason = SKIPPED.get(name) ?? "no runner for this file";
    return { file, outcome: "skipped", cases: 0, reason };
  }
  const to = tally();
  try {
    await runner(JSON.parse(readFileSync(join(folder, name), "utf8")), to);
  } catch (error) {
    const thrown = () => {
      throw error;
    };
    to.check("the whole file", thrown, undefined);
  }
  const { cases, failures, leftOut } = to.sum();
  // A file without a single case proves nothing.
  const passed = failures.length === 0 && cases > 0;
  return {
    file,
    outcome: passed ? "passed" : "failed",
    cases,
    ...(passed ? {} : { failures: failures.length > 0 ? failures : ["no cases found"] }),
    ...(leftOut > 0 ? { left_out: leftOut } : {}),
  };
}
