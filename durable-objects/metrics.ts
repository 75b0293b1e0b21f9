import { DurableObject } from "cloudflare:workers";

export class Metrics extends DurableObject<Env> {}
