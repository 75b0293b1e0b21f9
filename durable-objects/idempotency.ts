import { DurableObject } from "cloudflare:workers";

export class Idempotency extends DurableObject<Env> {}
