import { describe, expect, it } from "vitest";
import { readEvolutionAnswer } from "../../../../channels/whatsapp/answer.ts";
import type { OutboundRequest } from "../../../../schema/outbound.ts";

const send: OutboundRequest = {
  step: "part:0",
  method: "POST",
  url: "https://evo.example/message/sendText/loja-1",
  headers: {},
  body: { as: "none" },
  timeoutMs: 1,
  idempotent: false,
};
const keyed = { ...send, idempotent: true };
const edit = { ...keyed, step: "edit" };

const read = (request: OutboundRequest, status: number, body: unknown = "", headers = {}) =>
  readEvolutionAnswer(
    request,
    status,
    new Headers(headers),
    typeof body === "string" ? body : JSON.stringify(body),
  );
const error = (status: number, message: unknown) => ({
  status,
  error: "Bad Request",
  response: { message },
});

describe("Evolution's answer to a send", () => {
  it.each([200, 201])("%d with a message is delivered under its id", (status) => {
    const body = { key: { id: "3EB0X", remoteJid: "j", fromMe: true }, status: "PENDING" };
    expect(read(send, status, body)).toEqual({ outcome: "delivered", platformId: "3EB0X" });
  });

  it.each(["", "<html>", "{}", '{"key":{}}', '{"key":{"id":5}}', "null"])(
    "2xx with %j proves nothing",
    (body) => {
      expect(read(send, 200, body)).toEqual({ outcome: "uncertain", reason: "unreadable_answer" });
      expect(read(keyed, 200, body)).toMatchObject({ outcome: "retry" });
      expect(read(edit, 200, body)).toEqual({ outcome: "delivered" });
    },
  );

  it("200 with an error is an error", () => {
    expect(read(send, 200, { error: true, message: "x" })).toEqual({
      outcome: "failed",
      reason: "refused",
      breaker: false,
    });
    expect(read(send, 200, { error: true, message: "Connection Closed" })).toMatchObject({
      outcome: "retry",
    });
  });

  it.each([
    [401, error(401, "Unauthorized"), "unauthorized"],
    [403, "", "forbidden"],
    [404, error(404, ['The "loja-1" instance does not exist']), "instance_not_found"],
    [404, error(404, ["Cannot POST /message/sendTxt/instance"]), "unknown_route"],
    [400, error(400, [{ jid: "j", exists: false, number: "5521" }]), "not_on_whatsapp"],
    [400, error(400, { jid: "j", exists: false, number: "5521" }), "not_on_whatsapp"],
    [400, error(400, [['instance requires property "text"']]), "bad_request"],
    [400, error(400, "Message not found"), "message_not_found"],
    [400, "nonsense", "bad_request"],
    [413, "", "media_too_large"],
    [422, "", "http_422"],
    [302, "", "redirected"],
    [503, { error: "service not activated", code: "LICENSE_REQUIRED" }, "license_required"],
  ])("%d %j fails for good and leaves the breaker alone", (status, body, reason) => {
    expect(read(send, status, body)).toEqual({ outcome: "failed", reason, breaker: false });
  });

  it.each([400, 500])("%d Connection Closed is tried again: nothing went out", (status) => {
    const expected = { outcome: "retry", reason: "connection_closed", breaker: true };
    expect(read(send, status, error(status, ["Error: Connection Closed"]))).toEqual(expected);
    expect(read(send, status, error(status, "Connection Closed"))).toEqual(expected);
  });

  it.each([
    [503, "", "unavailable"],
    [
      500,
      { status: 500, error: "Internal Server Error", response: { message: "x" } },
      "server_error",
    ],
  ])("%d %j is tried again", (status, body, reason) => {
    expect(read(send, status, body)).toEqual({ outcome: "retry", reason, breaker: true });
  });

  it.each([
    [500, "<html>"],
    [502, ""],
    [504, ""],
    [408, ""],
    [100, ""],
    [400, error(400, ["Error: Timed Out"])],
    [400, error(400, ["PrismaClientKnownRequestError: x"])],
    [500, error(500, ["Error: Timed Out"])],
  ])("%d %j may have gone out", (status, body) => {
    expect(read(send, status, body).outcome).toBe("uncertain");
    expect(read(keyed, status, body)).toMatchObject({ outcome: "retry", breaker: true });
  });

  it.each([
    ["3", 3_000],
    ["0.5", 500],
    ["999999999", 3_600_000],
    ["-1", undefined],
    ["soon", undefined],
  ])("429 with Retry-After %s waits %s ms", (value, afterMs) => {
    const outcome = read(send, 429, "", { "retry-after": value });
    expect(outcome).toEqual({
      outcome: "retry",
      reason: "rate_limited",
      breaker: false,
      ...(afterMs === undefined ? {} : { afterMs }),
    });
  });

  it("never passes on the words of an error", () => {
    const outcomes = [400, 401, 404, 500, 502].map((status) =>
      read(send, status, error(status, "number 5521922223333 said hello")),
    );
    expect(JSON.stringify(outcomes)).not.toContain("5521922223333");
  });
});
