export { Conversation } from "../durable-objects/conversation.ts";
export { DiscordGateway } from "../durable-objects/discord-gateway.ts";
export { Downstream } from "../durable-objects/downstream.ts";
export { Idempotency } from "../durable-objects/idempotency.ts";
export { Metrics } from "../durable-objects/metrics.ts";

export default {
  fetch: () => new Response("not yet", { status: 503 }),
} satisfies ExportedHandler<Env>;
