/** Slack's v0 signature: our decisions, and the same decisions as Slack's own library on a matrix. */
import { verifySlackRequest } from "@slack/bolt/dist/receivers/verify-request.js";
import { describe, expect, it } from "vitest";
import { slackAdapter } from "../../../../channels/slack/adapter.ts";
import { bodyWebhook, CONNECTION, NOW_MS, proofOf, SECRET } from "./webhooks.ts";

const JSON_TYPE = "application/json";
const BODY = new Uint8Array(new TextEncoder().encode('{"type":"event_callback","text":"olá"}'));

async function verdictOf(
  headers: Record<string, string>,
  body: Uint8Array<ArrayBuffer> = BODY,
  connection = CONNECTION,
) {
  const result = await slackAdapter.verify(
    bodyWebhook(body, JSON_TYPE, headers),
    connection,
    NOW_MS,
  );
  return result.ok ? "accepted" : result.failure.reason;
}

describe("verify", () => {
  it("accepts the example that Slack publishes", async () => {
    const body =
      "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c";
    const signature = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503";
    const raw = bodyWebhook(body, "application/x-www-form-urlencoded", {
      "x-slack-request-timestamp": "1531420618",
      "x-slack-signature": signature,
    });
    const credentials = { signingSecret: "8f742231b10e8888abcd99yyyzzz85a5" };
    const result = await slackAdapter.verify(raw, { ...CONNECTION, credentials }, 1531420620_000);
    expect(result.ok).toBe(true);
  });

  it("signs the raw bytes: a BOM counts, a re-serialised body fails", async () => {
    const bom = new Uint8Array([0xef, 0xbb, 0xbf, ...BODY]);
    expect(await verdictOf(proofOf(bom, NOW_MS), bom)).toBe("accepted");
    expect(await verdictOf(proofOf(bom, NOW_MS), BODY)).toBe("mismatch");
    const respaced = new Uint8Array(
      new TextEncoder().encode('{ "type":"event_callback","text":"olá"}'),
    );
    expect(await verdictOf(proofOf(BODY, NOW_MS), respaced)).toBe("mismatch");
  });

  it.each([
    ["300 s old", -300, "accepted"],
    ["301 s old", -301, "stale"],
    ["300 s ahead", 300, "accepted"],
    ["301 s ahead", 301, "future"],
  ])("judges a stamp %s as %s → %s", async (_name, seconds, verdict) => {
    expect(await verdictOf(proofOf(BODY, NOW_MS + seconds * 1000))).toBe(verdict);
  });

  it.each([
    ["milliseconds", String(NOW_MS)],
    ["an exponent", "1e9999"],
    ["Infinity", "Infinity"],
    ["negative", "-1763700100"],
    ["hexadecimal", "0x69202f84"],
    ["a float", "1763700100.5"],
    ["doubled", "1763700100, 1763700100"],
  ])("refuses a stamp that is %s", async (_name, stamp) => {
    const headers = { ...proofOf(BODY, NOW_MS), "x-slack-request-timestamp": stamp };
    expect(await verdictOf(headers)).toBe("malformed");
  });

  const good = proofOf(BODY, NOW_MS)["x-slack-signature"] ?? "";
  it.each([
    ["without its prefix", good.slice(3)],
    ["of another version", good.replace("v0=", "v1=")],
    ["cut short", good.slice(0, 10)],
    ["with nothing behind the prefix", "v0="],
    ["far too long", `v0=${"a".repeat(100_000)}`],
    ["sent twice", `${good}, v0=bad`],
    ["sent twice alike", `${good}, ${good}`],
    ["in upper case", good.toUpperCase().replace("V0", "v0")],
  ])("refuses a signature %s", async (_name, signature) => {
    const headers = { ...proofOf(BODY, NOW_MS), "x-slack-signature": signature };
    expect(await verdictOf(headers)).toBe("malformed");
  });

  it("refuses one wrong digit, a foreign secret, another body and missing headers", async () => {
    const flipped = good.slice(0, -1) + (good.endsWith("0") ? "1" : "0");
    const headers = proofOf(BODY, NOW_MS);
    expect(await verdictOf({ ...headers, "x-slack-signature": flipped })).toBe("mismatch");
    expect(await verdictOf(proofOf(BODY, NOW_MS, "another-secret"))).toBe("mismatch");
    expect(await verdictOf(headers, new Uint8Array([0x7b, 0x7d]))).toBe("mismatch");
    expect(await verdictOf({ "x-slack-signature": good })).toBe("missing");
    expect(await verdictOf({ "x-slack-request-timestamp": "1763700100" })).toBe("missing");
    expect(await verdictOf({})).toBe("missing");
  });

  it("never verifies with an empty secret", async () => {
    const credentials = { ...CONNECTION.credentials, signingSecret: "" };
    const connection = { ...CONNECTION, credentials };
    expect(await verdictOf(proofOf(BODY, NOW_MS, " "), BODY, connection)).toBe("unconfigured");
  });
});

describe("verify beside @slack/bolt", () => {
  /** Where we decide otherwise on purpose: Slack's library does not bound stamps from the future. */
  const STRICTER = new Set(["301 s ahead", "one day ahead", "milliseconds"]);
  const offsets: readonly (readonly [string, number])[] = [
    ["now", 0],
    ["290 s old", -290],
    ["300 s old", -300],
    ["301 s old", -301],
    ["one day old", -86_400],
    ["290 s ahead", 290],
    ["301 s ahead", 301],
    ["one day ahead", 86_400],
    ["milliseconds", NOW_MS - Math.floor(NOW_MS / 1000)],
  ];
  const faults: readonly (readonly [string, (signature: string) => string])[] = [
    ["right", (signature) => signature],
    [
      "last digit wrong",
      (signature) => signature.slice(0, -1) + (signature.endsWith("0") ? "1" : "0"),
    ],
    ["no prefix", (signature) => signature.slice(3)],
    ["v1", (signature) => signature.replace("v0", "v1")],
    ["cut", (signature) => signature.slice(0, 10)],
    ["empty", () => "v0="],
    ["upper case", (signature) => `v0=${signature.slice(3).toUpperCase()}`],
    ["doubled", (signature) => `${signature}, v0=bad`],
  ];
  const cases = offsets.flatMap(([age, offset]) =>
    faults.map(([fault, spoil]) => ({ age, offset, fault, spoil })),
  );

  it.each(cases)("stamp $age, signature $fault", async ({ age, offset, spoil, fault }) => {
    const proof = proofOf(BODY, NOW_MS + offset * 1000);
    const headers = {
      "x-slack-request-timestamp": proof["x-slack-request-timestamp"] ?? "",
      "x-slack-signature": spoil(proof["x-slack-signature"] ?? ""),
    };
    const ours = (await verdictOf(headers)) === "accepted";
    const theirs = boltAccepts(headers);
    if (STRICTER.has(age) && fault === "right") {
      expect([ours, theirs]).toEqual([false, true]);
    } else {
      expect(ours).toBe(theirs);
    }
  });

  function boltAccepts(headers: Record<string, string>): boolean {
    try {
      verifySlackRequest({
        signingSecret: SECRET,
        body: new TextDecoder().decode(BODY),
        headers: {
          "x-slack-signature": headers["x-slack-signature"] ?? "",
          "x-slack-request-timestamp": Number(headers["x-slack-request-timestamp"]),
        },
        nowMilliseconds: NOW_MS,
      });
      return true;
    } catch {
      return false;
    }
  }
});
