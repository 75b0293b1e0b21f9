/** Evolution's tokens beside `jose`: the claims and headers vary with the recipe's body, the rest as for all. */
import { createHmac } from "node:crypto";
import { decodeJwt, jwtVerify } from "jose";
import { whatsappAdapter } from "../../../channels/whatsapp/adapter.ts";
import { rawWebhook } from "../../contract/raw-webhook.ts";
import { NOW_SECONDS, type Recipe } from "./mutations.ts";
import type { Arrived, Protocol } from "./protocols.ts";

const KEYS = { own: "the-jwt-key-of-this-instance-0001", foreign: "another-key" };
const NOW_MS = NOW_SECONDS * 1000;
const LIFETIME_SECONDS = 600;
const LIFETIME_SECONDS_MAX = 900;
const AHEAD_SECONDS_MAX = 300;
const CONNECTION = {
  id: "w",
  tenant: "acme",
  channel: "whatsapp",
  provider: "evolution",
  instance: "i",
  credentials: { apiKey: "k", jwtKey: KEYS.own },
} as const;

type Claims = Readonly<Record<string, unknown>>;

/** What a token can say besides the plain truth; chosen by the first byte of the body. */
const VARIANTS: readonly ((claims: Claims, recipe: Recipe) => Claims)[] = [
  ...Array.from({ length: 8 }, () => (claims: Claims) => claims),
  (claims) => ({ ...claims, exp: (claims.iat as number) + 86_400 }),
  (claims) => ({ ...claims, exp: String(claims.exp) }),
  (claims) => ({ ...claims, iat: String(claims.iat) }),
  ({ iat: _, ...rest }) => rest,
  ({ exp: _, ...rest }) => rest,
  (claims) => ({ ...claims, app: "another" }),
  (claims) => ({ ...claims, action: "another" }),
  (claims) => ({ ...claims, nbf: NOW_SECONDS + 60 }),
  (claims) => ({ ...claims, nbf: NOW_SECONDS - 60 }),
];
const HEADERS: readonly Claims[] = [
  ...Array.from({ length: 12 }, () => ({ alg: "HS256", typ: "JWT" })),
  { alg: "none" },
  { alg: "HS512" },
  { alg: "hs256" },
  { alg: "RS256" },
  { typ: "JWT" },
  { alg: "HS256", kid: "../../etc/passwd" },
  { alg: "HS256", crit: ["x"], x: true },
];

export const evolutionJwt: Protocol = {
  name: "Evolution's token",
  reference: "jose",
  names: ["authorization"],
  prove(recipe) {
    const iat = NOW_SECONDS + recipe.offset;
    const plain = { iat, exp: iat + LIFETIME_SECONDS, app: "evolution", action: "webhook" };
    const first = recipe.body.reduce((sum, byte) => sum + byte, recipe.body.length);
    const claims = VARIANTS[first % VARIANTS.length]?.(plain, recipe) ?? plain;
    const header = HEADERS[(first >> 2) % HEADERS.length] ?? {};
    const signed = `${part(header)}.${part(claims)}`;
    const mac = createHmac("sha256", KEYS[recipe.secret]).update(signed).digest("base64url");
    return { authorization: `Bearer ${signed}.${mac}` };
  },
  hub: async ({ headers, body }) =>
    (await whatsappAdapter.verify(rawWebhook(body, headers), CONNECTION, NOW_MS)).ok,
  library: async ({ headers }) => {
    const token = tokenOf(headers.authorization);
    if (token === undefined) return false;
    try {
      await jwtVerify(token, new TextEncoder().encode(KEYS.own), {
        algorithms: ["HS256"],
        requiredClaims: ["iat", "exp"],
        currentDate: new Date(NOW_MS),
      });
      return true;
    } catch {
      return false;
    }
  },
  exceptions: [
    {
      why: "issued more than five minutes ahead: jose looks at the end only",
      hub: "refuses",
      covers: (arrived) => Number(claimsOf(arrived).iat) - NOW_SECONDS > AHEAD_SECONDS_MAX,
    },
    {
      why: "a life longer than any token of Evolution's",
      hub: "refuses",
      covers: (arrived) => {
        const { iat, exp } = claimsOf(arrived);
        return Number(exp) - Number(iat) > LIFETIME_SECONDS_MAX;
      },
    },
    {
      why: "made by the same key for something else than Evolution's webhooks",
      hub: "refuses",
      covers: (arrived) => {
        const { app, action } = claimsOf(arrived);
        return app !== "evolution" || action !== "webhook";
      },
    },
    {
      why: "padded: RFC 7515 writes base64url without `=`, jose passes over it",
      hub: "refuses",
      covers: ({ headers }) => (headers.authorization ?? "").endsWith("="),
    },
  ],
};

/** The reference has no opinion of the header around the token: RFC 6750 says how it is written. */
function tokenOf(header: string | undefined): string | undefined {
  return /^bearer +([^ ]+)$/i.exec(header ?? "")?.[1];
}

function claimsOf({ headers }: Arrived): Claims {
  const token = tokenOf(headers.authorization) ?? "";
  return decodeJwt(token) as Claims;
}

function part(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}
