import { DurableObject } from "cloudflare:workers";

export class DiscordGateway extends DurableObject<Env> {}
