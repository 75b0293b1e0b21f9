import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Webhook } from "standardwebhooks";
import { describe, expect, test } from "vitest";
import {
  checkSecret,
  newWebhookSecret,
  signWebhook,
  verifyWebhook,
} from "../../../platform/webhook-signature.ts";

const OLD = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const encode = (text: string) => new TextEncoder().encode(text);
const body = encode('{"text":"héllo"}');

async function signed(secrets: string[], timestamp: number, id = "msg_1") {
  const result = await signWebhook({ id, timestamp, body }, secrets);
  if (!result.ok) throw new Error(result.failure.reason);
  return result.value;
}

const lookUp = (headers: Readonly<Record<string, string>>) => (name: string) =>
  headers[name] ?? null;

describe("signing and verifying", () => {
  test("the reference library accepts what we sign, with every secret of a rotation", async () => {
    const now = Math.floor(Date.now() / 1000);
    const fresh = newWebhookSecret();
    const headers = await signed([fresh, OLD], now);
    for (const secret of [fresh, OLD]) {
      expect(new Webhook(secret).verify(new TextDecoder().decode(body), { ...headers })).toEqual({
        text: "héllo",
      });
    }
  });

  test("we accept what the reference library signs", async () => {
    const nowMs = Date.now();
    const signature = new Webhook(OLD).sign(
      "msg_2",
      new Date(nowMs),
      new TextDecoder().decode(body),
    );
    const headers = {
      "webhook-id": "msg_2",
      "webhook-timestamp": String(Math.floor(nowMs / 1000)),
      "webhook-signature": signature,
    };
    const verdict = await verifyWebhook(lookUp(headers), body, [newWebhookSecret(), OLD], nowMs);
    expect(verdict).toEqual({ ok: true, value: undefined });
  });

  test.each([
    ["another body", { body: encode("{}") }, "mismatch"],
    ["another secret", { secrets: [newWebhookSecret()] }, "mismatch"],
    ["no secret", { secrets: [] }, "mismatch"],
    ["a secret that is none", { secrets: ["whsec_%"] }, "mismatch"],
    ["301 s old", { nowMs: 1_301_000 }, "stale"],
    ["301 s ahead", { nowMs: 699_000 }, "future"],
  ])("refuses %s", async (_, change, reason) => {
    const headers = await signed([OLD], 1000);
    const given = { body, secrets: [OLD], nowMs: 1_000_000, ...change };
    const verdict = await verifyWebhook(lookUp(headers), given.body, given.secrets, given.nowMs);
    expect(verdict).toEqual({ ok: false, failure: { reason } });
  });

  test("an id cannot swallow the timestamp", async () => {
    const headers = { ...(await signed([OLD], 1000, "a")), "webhook-id": "a.1000" };
    expect((await verifyWebhook(lookUp(headers), body, [OLD], 1_000_000)).ok).toBe(false);
  });

  test("a header of a hundred thousand signatures is not worked through", async () => {
    const good = await signed([OLD], 1000);
    const flood = `${"v1,AAAA ".repeat(100_000)}${good["webhook-signature"]}`;
    const headers = { ...good, "webhook-signature": flood };
    expect((await verifyWebhook(lookUp(headers), body, [OLD], 1_000_000)).ok).toBe(false);
  });
});

const FIXTURE = join(
  import.meta.dirname,
  "../../../../shared/fixtures/events/standard-webhooks.json",
);
const present = existsSync(FIXTURE);

interface Vectors {
  readonly sign: readonly {
    readonly name: string;
    readonly secret?: string;
    readonly secrets?: string[];
    readonly id: string;
    readonly timestamp: number;
    readonly payload?: string;
    readonly payload_base64?: string;
    readonly expected: string;
  }[];
  readonly verify: readonly {
    readonly name: string;
    readonly secret: string;
    readonly payload: string;
    readonly headers: Record<string, string>;
    readonly now: number;
    readonly valid: boolean;
  }[];
  readonly secrets: readonly { readonly value: string; readonly valid: boolean }[];
}

describe.skipIf(!present)(
  `vectors${present ? "" : " (skipped: shared fixtures are not here)"}`,
  () => {
    const vectors = (): Vectors => JSON.parse(readFileSync(FIXTURE, "utf8"));

    test("every signing vector", async () => {
      for (const vector of vectors().sign) {
        const bytes =
          vector.payload_base64 === undefined
            ? encode(vector.payload ?? "")
            : Uint8Array.from(atob(vector.payload_base64), (char) => char.charCodeAt(0));
        const { id, timestamp } = vector;
        const secrets = vector.secrets ?? [vector.secret ?? ""];
        const result = await signWebhook({ id, timestamp, body: bytes }, secrets);
        expect([vector.name, result.ok && result.value["webhook-signature"]]).toEqual([
          vector.name,
          vector.expected,
        ]);
      }
    });

    test("every verification vector", async () => {
      const { verify } = vectors();
      expect(verify.length).toBeGreaterThan(20);
      for (const vector of verify) {
        const headers = new Headers(vector.headers);
        const verdict = await verifyWebhook(
          (name) => headers.get(name),
          encode(vector.payload),
          [vector.secret],
          vector.now * 1000,
        );
        expect([vector.name, verdict.ok]).toEqual([vector.name, vector.valid]);
      }
    });

    test("every secret", async () => {
      for (const { value, valid } of vectors().secrets) {
        expect([value, (await checkSecret(value)).ok]).toEqual([value, valid]);
      }
    });
  },
);
