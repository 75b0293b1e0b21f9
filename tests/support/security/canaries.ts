/** What must not leave its place: planted with a word of its own each, so that a find says where it came from. */

/** Of people: belongs into the tenant's own messages and nowhere else. */
export const PEOPLE = {
  phone: "5511987654321",
  name: "Mariana Canario",
  mail: "mariana.canario@example.com",
  card: "4111 1111 1111 1234",
  cardDigits: "4111111111111234",
  social: "078-05-1121",
  text: "canary parcel number nine",
  agentSaid: "canary of an agent that failed",
} as const;

/** Credentials: sealed or hashed, and shown to nobody again. */
export const CREDENTIALS = {
  evolutionKey: "evo-key-canary-1a2b3c4d5e",
  webhookSecret: "hook-secret-canary-1a2b3c4d5e",
  jwtKey: "jwt-key-canary-1a2b3c4d5e6f7a8b",
  signingSecret: "signing-canary-1a2b3c4d5e6f",
  slackToken: "xoxb-canary-1a2b3c4d5e",
  clientSecret: "client-secret-canary-1a2b3c",
  discordToken: "discord-token-canary-1a2b3c",
  routeSecret: "whsec_Y2FuYXJ5Y2FuYXJ5Y2FuYXJ5Y2FuYXJ5Y2Fu",
  hiveKey: "hive-key-canary-1a2b3c4d5e",
  tenantKey: "tenant-key-canary-1a2b3c4d5e",
  serverKey: "server-key-canary-1a2b3c4d5e",
} as const;

/** Of subscriptions and workflows: sealed too. */
export const EVENT_CREDENTIALS = {
  subscriptionSecret: "whsec_ZXZlbnRzLWNhbmFyeS1ldmVudHMtY2FuYXJ5LTEyMzQ=",
  tenantSecret: "tenant-secret-canary-1a2b3c4d5e",
} as const;

/** The hub's own, given as its environment. */
export const HUB_SECRETS = {
  ADMIN_API_KEY: "admin-key-canary-1a2b3c4d5e",
  ID_SECRET: "id-secret-canary-1a2b3c4d5e6f7a8b",
  KEK: `k1:${Buffer.alloc(32, 0x5a).toString("base64")}`,
  MEDIA_SECRET: "media-secret-canary-1a2b3c4d5e",
  SLACK_CLIENT_ID: "1.2",
  SLACK_CLIENT_SECRET: "app-client-secret-canary-1a2b3c",
  SLACK_SIGNING_SECRET: "app-signing-canary-1a2b3c4d5e",
} as const;

/** What Evolution sends in every webhook: the key of the instance it came from. */
export const INSTANCE_KEY = "EVO-INSTANCE-KEY-CANARY-1A2B3C";
/** A secret that only stands in a text: nobody's but the person's who wrote it. */
export const PASTED = "sk-proj-canarypasted1a2b3c4d5e6f";

export const KEK_BYTES = HUB_SECRETS.KEK.slice("k1:".length);

/** Everything that is a credential, by name. */
export const ALL_CREDENTIALS: Readonly<Record<string, string>> = {
  ...CREDENTIALS,
  instanceKey: INSTANCE_KEY,
  adminKey: HUB_SECRETS.ADMIN_API_KEY,
  idSecret: HUB_SECRETS.ID_SECRET,
  kek: KEK_BYTES,
  mediaSecret: HUB_SECRETS.MEDIA_SECRET,
  appClientSecret: HUB_SECRETS.SLACK_CLIENT_SECRET,
  appSigningSecret: HUB_SECRETS.SLACK_SIGNING_SECRET,
};

export const EVERYTHING: Readonly<Record<string, string>> = {
  ...PEOPLE,
  ...ALL_CREDENTIALS,
  pasted: PASTED,
};

/** The text that people write: all of them in one. */
export const CANARY_TEXT = `${PEOPLE.text}, ${PEOPLE.name} <${PEOPLE.mail}>, card ${PEOPLE.card} (${PEOPLE.cardDigits}), ssn ${PEOPLE.social}, key ${PASTED}`;

/** Names of the canaries in a text: as they are, in base64 at any offset, and URL-encoded. */
export function found(
  text: string,
  canaries: Readonly<Record<string, string>> = EVERYTHING,
): readonly string[] {
  return Object.entries(canaries)
    .filter(([, canary]) => formsOf(canary).some((form) => text.includes(form)))
    .map(([name]) => name);
}

function formsOf(canary: string): readonly string[] {
  const inner = [0, 1, 2].map((shift) => {
    const encoded = Buffer.from(" ".repeat(shift) + canary).toString("base64");
    return encoded.slice(shift === 0 ? 0 : 4, -4);
  });
  return [canary, encodeURIComponent(canary), ...inner];
}
