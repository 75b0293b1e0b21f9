import { describe, expect, it } from "vitest";
import { OWNER, only, onlyOf, parse, payload, RITA, read, readBody } from "./fixture.ts";

const KEY = `loja-1:${RITA}:ACRITA0001`;

describe("edits", () => {
  it("name the original and carry their own time", () => {
    expect(only("edited")).toMatchObject({
      kind: "edit",
      origin: "contact",
      eventKey: `${KEY}:edit:1772370007000`,
      conversationKey: RITA,
      targetId: "ACRITA0001",
      timestampMs: 1_772_370_007_000,
      content: { text: "Bom dia! Vocês abrem no domingo?" },
    });
  });

  it("of one message at two times are two events, and a repeated one is one", () => {
    const body = payload("edited");
    const first = onlyOf(body).eventKey;
    expect(onlyOf(body).eventKey).toBe(first);
    body.data.timestampMs = "1772370008000";
    expect(onlyOf(body).eventKey).not.toBe(first);
  });

  it("without a time are told apart by their text, which stays out of the key", () => {
    const body = payload("edited");
    delete body.data.timestampMs;
    const one = onlyOf(body);
    body.data.editedMessage = { conversation: "outra coisa" };
    const two = onlyOf(body);
    expect(one.eventKey).toMatch(/:edit:[0-9a-f]{16}$/);
    expect(two.eventKey).not.toBe(one.eventKey);
    expect(two.eventKey).not.toContain("outra");
  });

  it("inside an upsert belong to who sent it, whatever the inner key says", () => {
    expect(only("edit-in-upsert-v1")).toMatchObject({
      kind: "edit",
      origin: "contact",
      conversationKey: RITA,
      targetId: "ACRITA0001",
      content: { text: "Bom dia! Abrem amanhã?" },
      eventKey: `${KEY}:edit:1772370009000`,
    });
  });

  it("written from the contact's view are the contact's, not ours", () => {
    expect(only("edited-sender-view")).toMatchObject({
      kind: "edit",
      origin: "contact",
      conversationKey: OWNER,
      targetId: "ACRITA0001",
      sender: { id: "unknown" },
    });
  });

  it("made on the phone are the phone's", () => {
    const body = payload("edited");
    body.data.key.fromMe = true;
    expect(onlyOf(body)).toMatchObject({ origin: "phone", sender: { id: OWNER } });
  });

  it("made through the API are the API's, in both shapes", () => {
    const expected = { kind: "edit", origin: "api", targetId: "3EB0LOJA0001" };
    expect(only("send-update")).toMatchObject(expected);
    const whole = { ...payload("send"), event: "send.message.update" };
    expect(onlyOf(whole)).toMatchObject({ ...expected, content: { text: "Abrimos às 9h" } });
  });

  it("carried by messages.update are read too", () => {
    const body = payload("update-of-contact");
    body.data.message = { editedMessage: { message: { conversation: "novo" } } };
    expect(onlyOf(body)).toMatchObject({
      kind: "edit",
      origin: "contact",
      targetId: "ACRITA0001",
      content: { text: "novo" },
    });
  });

  it("that announce a content they lack are unusable", () => {
    const body = payload("edited");
    delete body.data.editedMessage;
    expect(parse(body)).toMatchObject({ ok: false, failure: { reason: "wrong_shape" } });
  });
});

describe("deletions", () => {
  it.each([
    ["delete-by-contact", "contact", "ACRITA0001"],
    ["edited-revoke", "contact", "ACRITA0001"],
    ["delete-by-api", "api", "3EB0LOJA0001"],
  ])("%s is a delete by the %s", (name, origin, targetId) => {
    expect(only(name)).toMatchObject({
      kind: "delete",
      origin,
      targetId,
      conversationKey: RITA,
      eventKey: `loja-1:${RITA}:${targetId}:delete`,
    });
  });

  it("come with the same key on both ways", () => {
    expect(only("edited-revoke").eventKey).toBe(only("delete-by-contact").eventKey);
  });

  it("on the phone are the phone's", () => {
    const body = payload("delete-by-contact");
    body.data.fromMe = true;
    expect(onlyOf(body).origin).toBe("phone");
  });

  it("inside messages.update are read, not counted as an unknown status", () => {
    const body = payload("update-of-contact");
    body.data.message = { protocolMessage: { key: { id: "ACRITA0001" }, type: "REVOKE" } };
    body.data.status = "DELETED";
    expect(onlyOf(body)).toMatchObject({ kind: "delete", targetId: "ACRITA0001" });
  });
});

describe("other protocol messages", () => {
  it("are ignored by name", () => {
    expect(read("edited-ephemeral-setting").ignored).toEqual([
      { type: "protocol_EPHEMERAL_SETTING" },
    ]);
  });
});

describe("statuses", () => {
  it.each([
    ["update-server-ack", "sent"],
    ["update-delivered", "delivered"],
    ["update-read", "read"],
    ["update-played", "read"],
    ["update-v1", "read"],
  ])("%s is %s", (name, status) => {
    expect(read(name).statuses).toEqual([{ platformId: "3EB0LOJA0001", status }]);
  });

  it("ERROR is failed", () => {
    expect(read("update-error").statuses).toEqual([
      { platformId: "3EB0LOJA0001", status: "failed", detail: "ERROR" },
    ]);
  });

  it.each([
    ["update-pending", "status_PENDING"],
    ["update-deleted-2.3.6", "status_DELETED"],
    ["update-of-contact", "status_of_contact_message"],
  ])("%s is none, by name", (name, type) => {
    expect(read(name)).toMatchObject({ messages: [], statuses: [], ignored: [{ type }] });
  });

  it("come in lists too", () => {
    const body = payload("update-read");
    body.data = [body.data, { ...body.data, keyId: "3EB0LOJA0002", status: "SERVER_ACK" }];
    expect(readBody(body).statuses).toHaveLength(2);
  });
});

describe("the instance", () => {
  it.each([
    ["connection-open", { state: "open", detail: "connection.update 200" }],
    ["connection-closed", { state: "closed", detail: "connection.update 401" }],
    ["connection-refused", { state: "refused", detail: "connection.update 428" }],
    ["qrcode-limit", { state: "refused", detail: "qrcode.limit 500" }],
    ["status-instance", { state: "closed", detail: "status.instance 401" }],
    ["logout-instance", { state: "closed", detail: "logout.instance" }],
    ["remove-instance", { state: "closed", detail: "remove.instance" }],
    [
      "qrcode",
      { state: "qr", qr: { code: "2@example-code", base64: "data:image/png;base64,iVBORw0KGgo=" } },
    ],
  ])("%s", (name, connection) => {
    expect(read(name)).toMatchObject({ messages: [], statuses: [], ignored: [], connection });
  });

  it("in a state nobody knows is unusable", () => {
    const body = payload("connection-open");
    body.data.state = "dancing";
    expect(parse(body)).toMatchObject({ ok: false, failure: { reason: "wrong_shape" } });
  });
});
