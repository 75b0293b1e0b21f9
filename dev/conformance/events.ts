/**
 * Runs the case files of `DIR/events` through the event backbone's own decisions and says per file how many cases
 * hold. Files it knows no runner for are skipped with the reason, never passed.
 */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { type CaseLine, type CaseRunner, runCaseFile } from "./case-file.ts";
import { runCloudEvents } from "./events-cloudevents.ts";
import { runDeadLetter, runDeliveryPolicy } from "./events-delivery.ts";
import { runFilter, runRabbitTopics, runTopicMatching } from "./events-matching.ts";
import { runInboundHmac, runSsrf, runStandardWebhooks } from "./events-signatures.ts";

const RUNNERS: ReadonlyMap<string, CaseRunner> = new Map([
  ["cloudevents.json", runCloudEvents as CaseRunner],
  ["dead-letter.json", runDeadLetter as CaseRunner],
  ["delivery-policy.json", runDeliveryPolicy as CaseRunner],
  ["inbound-hmac.json", runInboundHmac as CaseRunner],
  ["json-filter.json", runFilter as CaseRunner],
  ["rabbitmq-topic-vectors.json", runRabbitTopics as CaseRunner],
  ["ssrf.json", runSsrf as CaseRunner],
  ["standard-webhooks.json", runStandardWebhooks as CaseRunner],
  ["topic-matching-exhaustive.json", runTopicMatching as CaseRunner],
]);

/** Files that are known and not run. */
const SKIPPED: ReadonlyMap<string, string> = new Map([
  ["cesql-tck.json", "CloudEvents SQL is not offered: filters are JSON filters"],
]);

/** One line a file, in a stable order; none where there is no `events` folder. */
export async function runEventsConformance(directory: string): Promise<readonly CaseLine[]> {
  const folder = join(directory, "events");
  if (!existsSync(folder)) return [];
  const names = readdirSync(folder).filter((name) => name.endsWith(".json"));
  const lines: CaseLine[] = [];
  for (const name of names.sort()) lines.push(await runFile(directory, name));
  return lines;
}

async function runFile(directory: string, name: string): Promise<CaseLine> {
  const file = `events/${name}`;
  const runner = RUNNERS.get(name);
  if (runner) return runCaseFile(directory, file, runner);
  const reason = SKIPPED.get(name) ?? "no runner for this file";
  return { file, outcome: "skipped", cases: 0, reason };
}
