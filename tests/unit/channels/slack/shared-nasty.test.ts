/**
 * The hostile Slack requests and texts of the shared fixtures folder, as far as an adapter decides
 * them. The folder is no part of this repository: without it the cases are reported as skipped.
 */
import { existsSync, readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { describe, expect, it } from "vitest";
import { slackAdapter } from "../../../../channels/slack/adapter.ts";
import { bodyWebhook, CONNECTION, jsonWebhook, messageOf, NOW_MS, textBody } from "./webhooks.ts";

const FOLDER = `${import.meta.dirname}/../../../../../shared/fixtures/nasty`;
const VECTORS = `${FOLDER}/../signatures/vectors.json`;
const PRESENT = existsSync(FOLDER);
const ABSENT = "(skipped: ../shared is absent)";

interface Request {
  readonly method: string;
  readonly headers: [string, string][];
  readonly body: Uint8Array<ArrayBuffer>;
}
interface Recipe {
  readonly id: string;
  readonly title: string;
  readonly text?: string;
}
interface Workshop {
  readonly keys: { readonly slack: { readonly acme: string } };
  load(name: string): Recipe[];
  materialise(recipe: Recipe, nowMs: number): Request[];
}

/** What the adapter says to every request of a recipe; several where a recipe has variants. */
const EXPECTED: Readonly<Record<string, string | readonly string[]>> = {
  "SL-01": "1 message",
  "SL-02": "401 missing",
  "SL-03": "401 missing",
  "SL-06": "401 malformed",
  "SL-07": "401 malformed",
  "SL-08": "401 malformed",
  "SL-11": "401 malformed",
  "SL-12": "401 stale",
  "SL-13": "1 message",
  "SL-16": "401 malformed",
  "SL-17": "401 malformed",
  "SL-18": "1 message",
  "SL-21": "401 mismatch",
  "SL-22": "401 mismatch",
  "SL-23": "1 message",
  "SL-26": "quarantined invalid_json",
  "SL-27": "quarantined invalid_json",
  "SL-28": "quarantined wrong_shape",
  "SL-31": "quarantined wrong_shape",
  "SL-32": [
    "1 message",
    "quarantined wrong_shape",
    "quarantined wrong_shape",
    "quarantined wrong_shape",
    "quarantined wrong_shape",
  ],
  "SL-33": "1 message",
  "SL-36": "413",
  "SL-37": "1 message",
  "SL-38": "1 message",
  "SL-41": "415",
  "SL-42": "1 message",
  "SL-43": "1 message",
  "SL-46": "401 missing",
  "SL-47": "ack text/plain",
  "SL-48": "quarantined wrong_connection",
  "SL-53": "ignored own_echo",
};

/** Decided by the route before any adapter is asked. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  "SL-51": "the path names no connection: the webhook route answers 404",
  "SL-52": "GET: the webhook route answers 405",
};

const workshop = PRESENT
  ? ((await import(pathToFileURL(`${FOLDER}/materialise.mjs`).href)) as Workshop)
  : undefined;
const recipes = workshop?.load("slack") ?? [];
const texts = workshop?.load("text") ?? [];

async function verdictOf(request: Request): Promise<string> {
  const headers = new Headers(request.headers);
  const type = headers.get("content-type") ?? "";
  const raw = bodyWebhook(new Uint8Array(request.body), type, Object.fromEntries(headers));
  const { limits } = slackAdapter;
  if (!limits.contentTypes.includes(type.split(";")[0] ?? "")) {
    return "415";
  }
  if (request.body.byteLength > limits.bodyBytesMax) {
    return "413";
  }
  const connection = {
    ...CONNECTION,
    teamId: "T_ACME",
    appId: "A1",
    botUserId: "U_BOT",
    credentials: { signingSecret: workshop?.keys.slack.acme ?? "" },
  };
  const verified = await slackAdapter.verify(raw, connection, NOW_MS);
  if (!verified.ok) {
    return `401 ${verified.failure.reason}`;
  }
  const parsed = slackAdapter.parse(raw, { connection, nowMs: NOW_MS });
  if (!parsed.ok) {
    return `quarantined ${parsed.failure.reason}`;
  }
  const { messages, ignored, ack } = parsed.value;
  if (messages.length > 0) {
    return `${messages.length} message`;
  }
  return ignored[0] ? `ignored ${ignored[0].type}` : `ack ${ack.contentType}`;
}

describe.skipIf(!PRESENT)(`hostile requests ${PRESENT ? "" : ABSENT}`, () => {
  it("are all in the table or decided elsewhere", () => {
    const known = [...Object.keys(EXPECTED), ...Object.keys(ELSEWHERE)].sort();
    expect(recipes.map(({ id }) => id).sort()).toEqual(known);
  });

  for (const recipe of recipes) {
    const reason = ELSEWHERE[recipe.id];
    const title = `${recipe.id} ${recipe.title}${reason ? ` (skipped: ${reason})` : ""}`;
    it.skipIf(reason !== undefined)(title, async () => {
      const requests = workshop?.materialise(recipe, NOW_MS) ?? [];
      const expected = EXPECTED[recipe.id];
      const verdicts = await Promise.all(requests.map(verdictOf));
      expect(verdicts.length).toBeGreaterThan(0);
      expect(verdicts).toEqual(Array.isArray(expected) ? expected : requests.map(() => expected));
      expect(({} as Record<string, unknown>).polluted).toBeUndefined();
    });
  }
});

describe.skipIf(!PRESENT)(`hostile texts ${PRESENT ? "" : ABSENT}`, () => {
  it("are there", () => {
    expect(texts.length).toBeGreaterThan(10);
  });

  it.each(texts.map((recipe) => [recipe.id, recipe.text ?? ""]))(
    "%s is kept as written",
    (_id, text) => {
      const { content } = messageOf(jsonWebhook(textBody(text)));
      expect(content.text).toBe(text.toWellFormed().replaceAll("\u0000", ""));
    },
  );
});

describe.skipIf(!PRESENT)(`published signatures ${PRESENT ? "" : ABSENT}`, () => {
  const vectors: {
    channel: string;
    name: string;
    secret: string;
    timestamp: string;
    rawBody: string;
    signature: string;
  }[] = PRESENT ? JSON.parse(readFileSync(VECTORS, "utf8")) : [];
  const ours = vectors.filter(({ channel }) => channel === "slack");

  it.each(ours.map((vector) => [vector.name, vector] as const))("%s", async (_name, vector) => {
    const raw = bodyWebhook(vector.rawBody, "application/json", {
      "x-slack-request-timestamp": vector.timestamp,
      "x-slack-signature": vector.signature,
    });
    const connection = { ...CONNECTION, credentials: { signingSecret: vector.secret } };
    const result = await slackAdapter.verify(raw, connection, Number(vector.timestamp) * 1000);
    expect(result.ok).toBe(true);
  });
});
