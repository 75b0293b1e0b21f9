/** Reads Discord's times: ISO 8601 (Webhook Events leave the zone out and mean UTC), else the snowflake's. */

const DISCORD_EPOCH_MS = 1_420_070_400_000;
const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(Z|[+-]\d\d:\d\d)?$/;

/** Milliseconds since the epoch; undefined where neither says anything believable. */
export function timeOf(iso: string | null | undefined, snowflake?: string): number | undefined {
  return timeOfIso(iso) ?? (snowflake === undefined ? undefined : timeOfSnowflake(snowflake));
}

function timeOfIso(iso: string | null | undefined): number | undefined {
  const match = iso ? ISO.exec(iso) : null;
  if (!match) return undefined;
  const ms = Date.parse(match[1] ? match[0] : `${match[0]}Z`);
  return ms > DISCORD_EPOCH_MS ? ms : undefined;
}

/** The upper 42 bits of a snowflake are milliseconds since 2015. Shorter numbers are no snowflakes. */
function timeOfSnowflake(id: string): number | undefined {
  if (!/^\d{15,20}$/.test(id)) return undefined;
  return Number(BigInt(id) >> 22n) + DISCORD_EPOCH_MS;
}
