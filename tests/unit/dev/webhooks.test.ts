import { verifySlackRequest } from "@slack/bolt";
import { verifyKey } from "discord-interactions";
import { expect, test } from "vitest";
import { devTenant, ECHO_ROUTE } from "../../../dev/tenants.ts";
import { evolutionStatus, signedWebhook, type WebhookSource } from "../../../dev/webhooks.ts";
import { ConnectionInput } from "../../../schema/connection.ts";

const routes = { whatsapp: ECHO_ROUTE, slack: ECHO_ROUTE, discord: ECHO_ROUTE };
const kit = devTenant({ id: "acme", routes, policy: { kind: "serial" }, key: "test" });

function sourceOf<C extends WebhookSource["channel"]>(channel: C): WebhookSource & { channel: C } {
  const source = kit.sources.find((candidate) => candidate.channel === channel);
  return source as WebhookSource & { channel: C };
}

function webhook(channel: WebhookSource["channel"], number = 1) {
  const message = { conversation: 3, number, text: "hello", atMs: Date.now() };
  return signedWebhook(sourceOf(channel), message);
}

test("every connection of a development tenant is one the API would take", () => {
  expect(kit.tenant.connections.map((connection) => connection.channel)).toEqual([
    "whatsapp",
    "slack",
    "discord",
  ]);
  for (const connection of kit.tenant.connections) {
    expect(ConnectionInput.safeParse(connection).error).toBeUndefined();
  }
});

test("Slack's own library accepts the signature, and not with another body", () => {
  const { headers, body } = webhook("slack");
  const check = (text: string) =>
    verifySlackRequest({
      signingSecret: sourceOf("slack").signingSecret,
      body: text,
      headers: {
        "x-slack-signature": headers["x-slack-signature"] ?? "",
        "x-slack-request-timestamp": Number(headers["x-slack-request-timestamp"]),
      },
    });
  expect(() => check(body)).not.toThrow();
  expect(() => check(`${body} `)).toThrow("signature mismatch");
});

test("Discord's own library accepts the signature", async () => {
  const { headers, body } = webhook("discord");
  const connection = kit.tenant.connections.find((candidate) => candidate.channel === "discord");
  const verified = await verifyKey(
    body,
    headers["x-signature-ed25519"] ?? "",
    headers["x-signature-timestamp"] ?? "",
    connection?.channel === "discord" ? connection.credentials.publicKey : "",
  );
  expect(verified).toBe(true);
});

test("a message keeps its platform id when it is sent again, and the next has another", () => {
  const idOf = (number: number) => JSON.parse(webhook("whatsapp", number).body).data.key.id;
  expect(idOf(1)).toBe(idOf(1));
  expect(idOf(1)).not.toBe(idOf(2));
  expect(webhook("whatsapp").headers["x-webhook-secret"]).toBe(sourceOf("whatsapp").webhookSecret);
});

test("a status names our message by the platform's id", () => {
  const status = evolutionStatus(sourceOf("whatsapp"), 3, "3EB0AA", "READ");
  expect(JSON.parse(status.body)).toMatchObject({
    event: "messages.update",
    data: { keyId: "3EB0AA", status: "READ", fromMe: true },
  });
});
