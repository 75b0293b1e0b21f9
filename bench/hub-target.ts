/** The hub as something that takes webhooks in, and the signed webhooks of its tenant. Benchmarks only. */
import { rmSync } from "node:fs";
import { temporaryState } from "../dev/state.ts";
import { devTenant } from "../dev/tenants.ts";
import { type SignedWebhook, signedWebhook, type WebhookSource } from "../dev/webhooks.ts";
import { startWorld } from "../dev/world.ts";
import { TenantInput } from "../schema/tenant.ts";
import type { Target } from "./contenders.ts";

export type SlackSource = WebhookSource & { channel: "slack" };

const CONVERSATIONS = 100;
/** Above what one machine can send, so that the tenant's own limit is no part of the measurement. */
const MESSAGES_PER_MINUTE = 1_000_000;

/** A tenant with one Slack app and no reply. */
export function silentTenant(): { readonly input: TenantInput; readonly source: SlackSource } {
  const { tenant, sources } = devTenant({
    id: "acme",
    key: "bench",
    routes: { slack: { kind: "silence" } },
  });
  const [source] = sources;
  if (source?.channel !== "slack") {
    throw new Error("no Slack source");
  }
  const config = { limits: { messagesPerMinute: MESSAGES_PER_MINUTE } };
  return { input: TenantInput.parse({ ...tenant, config }), source };
}

/** Starts a hub whose Worker is `entry`, quiet simulators and this tenant. */
export async function startHubTarget(tenant: TenantInput, entry: string): Promise<Target> {
  const stateDir = temporaryState();
  const world = await startWorld({
    stateDir,
    entry,
    tenants: [tenant],
    bindings: { CONVERSATION_BACKLOG_MAX: "100000" },
    onLog: () => undefined,
    quietPlatforms: true,
  });
  return {
    url: world.hub.url,
    pid: () => world.hub.workerdPid(),
    stop: async () => {
      await world.stop();
      rmSync(stateDir, { recursive: true, force: true });
    },
  };
}

/** New messages, round robin over the conversations. */
export function webhooksOf(source: SlackSource): () => SignedWebhook {
  let sent = 0;
  return () => {
    sent += 1;
    return signedWebhook(source, {
      conversation: sent % CONVERSATIONS,
      number: sent,
      text: "A message of ordinary length, about as long as people write in a chat.",
      atMs: Date.now(),
    });
  };
}
