/**
 * Every way a request is proven here, each beside the verifier its platform publishes: how it is signed, what
 * both say, and where they differ on purpose. An exception says which requests it covers; there are no others.
 */
import { createHmac, createPrivateKey, sign } from "node:crypto";
import { verifySlackRequest } from "@slack/bolt/dist/receivers/verify-request.js";
import { verifyKey } from "discord-interactions";
import { Webhook } from "standardwebhooks";
import { discordAdapter } from "../../../channels/discord/adapter.ts";
import { slackAdapter } from "../../../channels/slack/adapter.ts";
import { verifyWebhook } from "../../../platform/webhook-signature.ts";
import { rawWebhook } from "../../contract/raw-webhook.ts";
import { discordSamples } from "../../contract/samples/discord.ts";
import { slackSamples } from "../../contract/samples/slack.ts";
import {
  type HeaderMap,
  isPlainUtf8,
  NOW_SECONDS,
  type Recipe,
  signedStamp,
  writtenStamp,
} from "./mutations.ts";

const NOW_MS = NOW_SECONDS * 1000;
const WINDOW_SECONDS = 300;

/** A request as it arrives. */
export interface Arrived {
  readonly headers: HeaderMap;
  readonly body: Uint8Array<ArrayBuffer>;
}

export interface Exception {
  readonly why: string;
  /** What the hub says; the platform's library says the opposite. */
  readonly hub: "accepts" | "refuses";
  readonly covers: (arrived: Arrived) => boolean;
}

export interface Protocol {
  readonly name: string;
  readonly reference: string;
  /** Headers with the proof, in the order in which a recipe edits them. */
  readonly names: readonly string[];
  readonly prove: (recipe: Recipe) => HeaderMap;
  readonly hub: (arrived: Arrived) => Promise<boolean>;
  readonly library: (arrived: Arrived) => Promise<boolean>;
  readonly exceptions: readonly Exception[];
}

const STAMP = /^\d{9,11}$/;

function secondsOf(stamp: string | undefined): number {
  return Number(stamp);
}

const SLACK_SECRETS = {
  own: slackSamples.connection.credentials.signingSecret,
  foreign: "foreign",
};

export const slack: Protocol = {
  name: "Slack",
  reference: "@slack/bolt",
  names: ["x-slack-signature", "x-slack-request-timestamp"],
  prove(recipe) {
    const mac = createHmac("sha256", SLACK_SECRETS[recipe.secret])
      .update(`v0:${signedStamp(recipe)}:`)
      .update(recipe.body);
    return {
      "x-slack-signature": `v0=${mac.digest("hex")}`,
      "x-slack-request-timestamp": writtenStamp(recipe),
    };
  },
  hub: async ({ headers, body }) =>
    (await slackAdapter.verify(rawWebhook(body, headers), slackSamples.connection, NOW_MS)).ok,
  library: async ({ headers, body }) =>
    holds(() =>
      verifySlackRequest({
        signingSecret: SLACK_SECRETS.own,
        body: Buffer.from(body).toString("utf8"),
        headers: {
          "x-slack-signature": present(headers["x-slack-signature"]),
          "x-slack-request-timestamp": Number(present(headers["x-slack-request-timestamp"])),
        },
        nowMilliseconds: NOW_MS,
      }),
    ),
  exceptions: [
    {
      why: "a stamp more than five minutes ahead, milliseconds among them: Bolt only looks for old ones",
      hub: "refuses",
      covers: ({ headers }) =>
        secondsOf(headers["x-slack-request-timestamp"]) - NOW_SECONDS > WINDOW_SECONDS,
    },
    {
      why: "a stamp written otherwise than Slack writes it: Bolt signs the number it reads out of it",
      hub: "refuses",
      covers: ({ headers }) => {
        const stamp = headers["x-slack-request-timestamp"] ?? "";
        return !STAMP.test(stamp) || stamp.startsWith("0");
      },
    },
    {
      why: "a signed stamp with a leading zero: Bolt signs the number it reads out of it, the hub what is written",
      hub: "accepts",
      covers: ({ headers }) => /^0\d{8,10}$/.test(headers["x-slack-request-timestamp"] ?? ""),
    },
    {
      why: "more behind a second `=`: Bolt cuts the signature there",
      hub: "refuses",
      covers: ({ headers }) => /^v0=[0-9a-f]{64}=/.test(headers["x-slack-signature"] ?? ""),
    },
    {
      why: "a body that is no UTF-8: Bolt signs the text it decoded, the hub the bytes",
      hub: "accepts",
      covers: ({ body }) => !isPlainUtf8(body),
    },
  ],
};

const PKCS8_ED25519 = "302e020100300506032b657004220420";
const DISCORD_SEEDS = { own: "31".repeat(32), foreign: "32".repeat(32) };

function discordKey(secret: keyof typeof DISCORD_SEEDS) {
  const der = Buffer.from(PKCS8_ED25519 + DISCORD_SEEDS[secret], "hex");
  return createPrivateKey({ key: der, format: "der", type: "pkcs8" });
}

export const discord: Protocol = {
  name: "Discord",
  reference: "discord-interactions",
  names: ["x-signature-ed25519", "x-signature-timestamp"],
  prove(recipe) {
    const message = Buffer.concat([Buffer.from(signedStamp(recipe)), recipe.body]);
    return {
      "x-signature-ed25519": sign(null, message, discordKey(recipe.secret)).toString("hex"),
      "x-signature-timestamp": writtenStamp(recipe),
    };
  },
  hub: async ({ headers, body }) =>
    (await discordAdapter.verify(rawWebhook(body, headers), discordSamples.connection, NOW_MS)).ok,
  library: async ({ headers, body }) => {
    const signature = headers["x-signature-ed25519"];
    const stamp = headers["x-signature-timestamp"];
    // As its middleware does: a request without both headers is refused before it is verified.
    if (!signature || !stamp) return false;
    const { publicKey } = discordSamples.connection.credentials;
    return verifyKey(Buffer.from(body), signature, stamp, publicKey);
  },
  exceptions: [
    {
      why: "a stamp outside five minutes, either way: the library does not look at it",
      hub: "refuses",
      covers: ({ headers }) => {
        const seconds = secondsOf(headers["x-signature-timestamp"]);
        return Math.abs(seconds - NOW_SECONDS) > WINDOW_SECONDS;
      },
    },
    {
      why: "a stamp that is no number of seconds: to the library it is any text",
      hub: "refuses",
      covers: ({ headers }) => !STAMP.test(headers["x-signature-timestamp"] ?? ""),
    },
    {
      why: "a signature with characters that are no hex digits: the library reads them as zero or leaves them out",
      hub: "refuses",
      covers: ({ headers }) => !/^[0-9a-f]{128}$/i.test(headers["x-signature-ed25519"] ?? ""),
    },
  ],
};

const WEBHOOK_SECRETS = {
  own: `whsec_${Buffer.alloc(32, 7).toString("base64")}`,
  foreign: `whsec_${Buffer.alloc(32, 9).toString("base64")}`,
};

/** Its clock is the system's: set it to `NOW_SECONDS` first. */
export const standardWebhooks: Protocol = {
  name: "Standard Webhooks",
  reference: "standardwebhooks",
  names: ["webhook-signature", "webhook-timestamp", "webhook-id"],
  prove(recipe) {
    const key = Buffer.from(WEBHOOK_SECRETS[recipe.secret].slice("whsec_".length), "base64");
    const mac = createHmac("sha256", key)
      .update(`msg_1.${signedStamp(recipe)}.`)
      .update(recipe.body);
    return {
      "webhook-signature": `v1,${mac.digest("base64")}`,
      "webhook-timestamp": writtenStamp(recipe),
      "webhook-id": "msg_1",
    };
  },
  hub: async ({ headers, body }) => {
    const header = (name: string): string | null => headers[name] ?? null;
    return (await verifyWebhook(header, body, [WEBHOOK_SECRETS.own], NOW_MS)).ok;
  },
  library: async ({ headers, body }) =>
    holds(() =>
      new Webhook(WEBHOOK_SECRETS.own).verify(Buffer.from(body), headers, { jsonParse: false }),
    ),
  exceptions: [
    {
      why: "a stamp written otherwise than as digits: the library signs the number it reads out of it",
      hub: "refuses",
      covers: ({ headers }) => !/^\d{1,12}$/.test(headers["webhook-timestamp"] ?? ""),
    },
    {
      why: "the same signature in another writing of base64: the hub compares bytes, the library text",
      hub: "accepts",
      covers: ({ headers }) => {
        const [entry = ""] = (headers["webhook-signature"] ?? "").split(" ");
        const text = entry.split(",")[1] ?? "";
        return Buffer.from(text, "base64").toString("base64") !== text;
      },
    },
    {
      why: "a body that is no UTF-8: the library signs the text it decoded, the hub the bytes",
      hub: "accepts",
      covers: ({ body }) => !isPlainUtf8(body),
    },
  ],
};

function present(value: string | undefined): string {
  // As Bolt's receiver does: a request without the header is refused before it is verified.
  if (!value) throw new Error("missing header");
  return value;
}

function holds(check: () => unknown): boolean {
  try {
    check();
    return true;
  } catch {
    return false;
  }
}
