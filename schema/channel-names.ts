/** The channels this hub speaks. `api` is a message taken in through `POST /messages/unified`. */
export const CHANNELS = ["whatsapp", "slack", "discord", "api"] as const;
export type ChannelName = (typeof CHANNELS)[number];
