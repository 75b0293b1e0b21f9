/**
 * Which connection a channel-wide webhook may belong to, read from a body nobody has verified yet:
 * a hint for choosing the secret, trusted for nothing else. Never throws.
 */
import type { RawWebhook } from "../../schema/parsed.ts";
import type { ConnectionHint } from "../channel-adapter.ts";
import { BODY_BYTES_MAX } from "./limits.ts";
import { type Origin, originOf } from "./origin.ts";
import { readPayload } from "./payload.ts";

/** Addresses from the most to the least specific: `team:app`, `team`, then the same of the enterprise. */
export function locateSlack(raw: RawWebhook): ConnectionHint | undefined {
  if (raw.body.byteLength > BODY_BYTES_MAX) {
    return undefined;
  }
  const payload = readPayload(raw);
  if (!payload.ok || payload.value.is === "ssl_check") {
    return undefined;
  }
  const addresses = addressesOf(originOf(payload.value.fields));
  return addresses.length === 0 ? undefined : { addresses };
}

function addressesOf(origin: Origin): readonly string[] {
  const owners = [...origin.teams, ...(origin.enterprise === undefined ? [] : [origin.enterprise])];
  return owners.flatMap((owner) =>
    origin.app === undefined ? [owner] : [`${owner}:${origin.app}`, owner],
  );
}
