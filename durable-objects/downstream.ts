import { DurableObject } from "cloudflare:workers";

export class Downstream extends DurableObject<Env> {}
