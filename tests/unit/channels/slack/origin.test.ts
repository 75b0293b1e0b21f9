/** Which connection a webhook names, and that a signed webhook of another one never counts. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { slackAdapter } from "../../../../channels/slack/adapter.ts";
import {
  bodyWebhook,
  CONNECTION,
  fixture,
  formWebhook,
  jsonWebhook,
  messageOf,
  parse,
  payloadWebhook,
  readingOf,
  textBody,
} from "./webhooks.ts";

const addresses = (raw: Parameters<typeof slackAdapter.locate>[0]) =>
  slackAdapter.locate(raw)?.addresses;

describe("locate", () => {
  it("names team and app in every body form, most specific first", () => {
    const expected = ["T0ACME:A0HUB", "T0ACME"];
    expect(addresses(jsonWebhook(fixture("message")))).toEqual(expected);
    expect(addresses(payloadWebhook(fixture("block-actions")))).toEqual(expected);
    const command = fixture("slash-command") as Record<string, string>;
    expect(addresses(formWebhook(command))).toEqual(expected);
  });

  it("adds the enterprise, and works without an app", () => {
    const body = { ...textBody("x"), enterprise_id: "E0CORP" };
    expect(addresses(jsonWebhook(body))).toEqual([
      "T0ACME:A0HUB",
      "T0ACME",
      "E0CORP:A0HUB",
      "E0CORP",
    ]);
    expect(addresses(jsonWebhook({ team_id: "T0ACME" }))).toEqual(["T0ACME"]);
  });

  it("prefers where our app is installed over the other company's workspace", () => {
    expect(addresses(jsonWebhook(fixture("slack-connect-message")))).toEqual([
      "T0ACME:A0HUB",
      "T0ACME",
      "T0PARTNER:A0HUB",
      "T0PARTNER",
    ]);
  });

  it("finds the team of an organisation's event that has none on the envelope", () => {
    const body: Record<string, unknown> = { ...textBody("x"), team_id: undefined };
    const authorizations = [{ team_id: "T0ACME", enterprise_id: "E0CORP" }];
    expect(addresses(jsonWebhook({ ...body, authorizations }))?.[0]).toBe("T0ACME:A0HUB");
    const event = { ...(body.event as object), team: "T0ACME" };
    expect(addresses(jsonWebhook({ ...body, event }))?.[0]).toBe("T0ACME:A0HUB");
    expect(addresses(jsonWebhook({ ...body, context_team_id: "T0ACME" }))?.[0]).toBe(
      "T0ACME:A0HUB",
    );
  });

  it("says nothing where nothing is named", () => {
    expect(addresses(jsonWebhook(fixture("url-verification")))).toBeUndefined();
    expect(addresses(formWebhook({ ssl_check: "1", token: "x" }))).toBeUndefined();
    expect(addresses(bodyWebhook("no", "application/json"))).toBeUndefined();
  });

  it("does not look into a body above the limit", () => {
    const body = JSON.stringify({ team_id: "T0ACME", pad: "x".repeat(1_048_576) });
    expect(addresses(bodyWebhook(body, "application/json"))).toBeUndefined();
  });

  it("is total: any bytes, any content type", () => {
    const types = fc.constantFrom("application/json", "application/x-www-form-urlencoded", "");
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), types, (bytes, type) => {
        const raw = bodyWebhook(new Uint8Array(bytes), type);
        const found = addresses(raw) ?? [];
        expect(found.every((address) => address.length <= 129)).toBe(true);
      }),
    );
  });

  it("is total over any JSON, and so is parse", () => {
    fc.assert(
      fc.property(fc.json(), (body) => {
        const raw = bodyWebhook(body, "application/json");
        expect(() => slackAdapter.locate(raw)).not.toThrow();
        expect(parse(raw)).toHaveProperty("ok");
      }),
    );
  });

  it("parse is total over events with any member replaced", () => {
    const names = fc.constantFrom(
      ...["type", "subtype", "user", "ts", "channel", "text", "files", "thread_ts", "message"],
      ...["previous_message", "item", "reaction", "bot_id", "deleted_ts", "bot_profile", "edited"],
    );
    const subtypes = fc.constantFrom(undefined, "message_changed", "message_deleted", "file_share");
    fc.assert(
      fc.property(names, subtypes, fc.jsonValue(), (name, subtype, value) => {
        const result = parse(jsonWebhook(textBody("x", { subtype, [name]: value })));
        expect(result).toHaveProperty("ok");
      }),
    );
  });
});

describe("foreign webhooks", () => {
  it.each([
    ["another team", { team_id: "T0OTHER" }],
    [
      "another team, our authorization",
      { team_id: "T0OTHER", authorizations: [{ team_id: "T0ACME" }] },
    ],
    ["another app", { api_app_id: "A0OTHER" }],
  ])("refuses %s though the signature was right", (_name, envelope) => {
    expect(parse(jsonWebhook({ ...textBody("x"), ...envelope }))).toMatchObject({
      ok: false,
      failure: { reason: "wrong_connection" },
    });
  });

  it("refuses foreign commands and interactions too", () => {
    const command = { ...fixture("slash-command"), team_id: "T0OTHER" } as Record<string, string>;
    expect(parse(formWebhook(command))).toMatchObject({ failure: { reason: "wrong_connection" } });
    const click = { ...fixture("block-actions"), team: { id: "T0OTHER" } };
    expect(parse(payloadWebhook(click))).toMatchObject({ failure: { reason: "wrong_connection" } });
  });

  it("does not compare apps where the connection knows none", () => {
    const connection = { ...CONNECTION, appId: undefined };
    const body = { ...textBody("x"), api_app_id: "A0OTHER" };
    expect(readingOf(jsonWebhook(body), connection).messages).toHaveLength(1);
  });

  it("files a Slack Connect message under our own team", () => {
    const read = messageOf(jsonWebhook(fixture("slack-connect-message")));
    expect(read.conversationKey).toBe("T0ACME:C0SHARED");
    expect(read.sender.id).toBe("U0PARTNER");
  });

  it("lets an organisation's install speak for its workspaces", () => {
    const connection = { ...CONNECTION, teamId: "E0CORP", enterpriseId: "E0CORP" };
    const authorizations = [
      { enterprise_id: "E0CORP", team_id: null, is_enterprise_install: true },
    ];
    const body = { ...textBody("x"), enterprise_id: "E0CORP", team_id: "T0WEST", authorizations };
    expect(messageOf(jsonWebhook(body), connection).conversationKey).toBe("T0WEST:C0GENERAL");
    const workspace = { ...body, authorizations: [{ team_id: "T0WEST" }] };
    expect(parse(jsonWebhook(workspace), connection)).toMatchObject({
      failure: { reason: "wrong_connection" },
    });
  });
});
