/**
 * The one Worker. Webhooks go straight to the door; the admin API, with its framework and schemas, is
 * loaded when it is first asked for, so that the acknowledgement path starts small.
 */
import { throughSeam } from "../platform/fault-seam.ts";
import { handleWebhook } from "./door/webhooks.ts";

export { Conversation } from "../durable-objects/conversation.ts";
export { GatewayIntake } from "./gateway-intake.ts";
export {
  Audit,
  DiscordGateway,
  Downstream,
  EventShard,
  Idempotency,
  Metrics,
  Replay,
  RunWorkflow,
  WorkflowRun,
  WorkflowScheduler,
} from "./loaded-objects.ts";

export default {
  async fetch(request, bindings, context) {
    const env = await throughSeam(bindings);
    const { pathname } = new URL(request.url);
    if (pathname.startsWith("/webhooks/")) return handleWebhook(request, env, context);
    if (pathname.startsWith("/media/")) {
      const { handleMedia } = await import("./door/media.ts");
      return handleMedia(request, env);
    }
    const { handleApi } = await import("./api-entry.ts");
    return handleApi(request, env, context);
  },
  async queue(batch, bindings, context) {
    const { consume } = await import("./consumers/consume.ts");
    await consume(batch, await throughSeam(bindings), context);
  },
  async scheduled(event, bindings) {
    const { runSchedule } = await import("./scheduled/run-schedule.ts");
    await runSchedule(event.cron, await throughSeam(bindings), event.scheduledTime);
  },
} satisfies ExportedHandler<Env>;
