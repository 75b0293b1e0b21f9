/** What goes out: every message ends, the same way each time, within the channel's limits. */
import { expect, it } from "vitest";
import type { OutboundMessage, OutboundRequest } from "../../../schema/outbound.ts";
import { runMessage } from "./run-message.ts";
import type { Suite } from "./suite.ts";

export const sends: Suite = (adapter, samples) => {
  const { connection } = samples;
  const titled = (messages: readonly OutboundMessage[]) =>
    messages.map((message, index) => [`${message.content.type} (${index + 1})`, message] as const);

  it.each(titled(samples.outbound))(
    "%s ends in done, the same way every time",
    (_name, message) => {
      const requests = runMessage(adapter, samples, message);
      // A platform without typing indicators has nothing to ask for.
      expect(requests.length > 0 || message.content.type === "typing").toBe(true);
      expect(runMessage(adapter, samples, message)).toEqual(requests);
      expect(new Set(requests.map(({ step }) => step)).size).toBe(requests.length);
      for (const request of requests) {
        expectWellDescribed(request);
      }
    },
  );

  it.each(titled(samples.refused ?? []))("%s is refused with a reason", (_name, message) => {
    const next = adapter.next(message, connection, []);
    expect(next).toEqual({ refused: expect.stringMatching(/^[a-z0-9_]{1,64}$/) });
  });

  it("splits a long text at its limit and loses no word", () => {
    const words = Array.from({ length: 3_000 }, (_, index) => `w${index}`);
    const template = samples.outbound[0] as OutboundMessage;
    const content = { type: "text", text: words.join(" ") } as const;
    const requests = runMessage(adapter, samples, { ...template, content });
    const sent = requests.map((request) => longestString(request.body)).join(" ");
    expect(requests.length).toBeGreaterThan(1);
    expect(words.filter((word) => !sent.includes(word))).toEqual([]);
    for (const request of requests) {
      expect(longestString(request.body).length).toBeLessThanOrEqual(adapter.limits.textCharsMax);
    }
  });
};

function expectWellDescribed(request: OutboundRequest): void {
  expect(URL.parse(request.url)?.protocol).toMatch(/^https?:$/);
  expect(request.timeoutMs).toBeGreaterThan(0);
  expect(request.step).toMatch(/^[\w:.-]{1,64}$/);
  expect(JSON.stringify(request)).toBe(JSON.stringify(structuredClone(request)));
}

/** The longest string anywhere in a request's body: where there is text, that is it. */
function longestString(value: unknown): string {
  if (typeof value === "string") {
    return value;
  }
  const parts = typeof value === "object" && value !== null ? Object.values(value) : [];
  return parts.map(longestString).reduce((a, b) => (b.length > a.length ? b : a), "");
}
