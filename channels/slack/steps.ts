/** A message as the ordered list of its requests; each is built when the answers before it are there. */
import type { OutboundRequest } from "../../schema/outbound.ts";

type Described = OutboundRequest | { readonly refused: string };

export interface Step {
  readonly step: string;
  readonly build: () => Described;
}
