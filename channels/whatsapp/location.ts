/** Places: the coordinates as metadata, and the name or the coordinates as text. 0/0 is a place. */
import type { MessageContent } from "../../schema/message.ts";
import { type Fields, memberOf, stringOf } from "../shared/fields.ts";
import { wellFormed } from "../shared/text.ts";

/** `metadata.location` is `{latitude, longitude, name?, address?, live?}`; undefined without coordinates. */
export function locationContent(
  body: Fields | undefined,
  type: "locationMessage" | "liveLocationMessage",
): MessageContent | undefined {
  const latitude = memberOf(body, "degreesLatitude");
  const longitude = memberOf(body, "degreesLongitude");
  if (!isDegrees(latitude, 90) || !isDegrees(longitude, 180)) {
    return undefined;
  }
  const name = stringOf(body, "name");
  const address = stringOf(body, "address");
  const caption = stringOf(body, "caption") ?? stringOf(body, "comment");
  const words = [name, address, caption].filter((word) => word !== undefined);
  const location = {
    latitude,
    longitude,
    ...(name === undefined ? {} : { name: wellFormed(name) }),
    ...(address === undefined ? {} : { address: wellFormed(address) }),
    ...(type === "liveLocationMessage" ? { live: true } : {}),
  };
  return {
    text: wellFormed(words.length > 0 ? words.join("\n") : `${latitude}, ${longitude}`),
    media: [],
    metadata: { location },
  };
}

function isDegrees(value: unknown, max: number): value is number {
  return typeof value === "number" && Number.isFinite(value) && Math.abs(value) <= max;
}
