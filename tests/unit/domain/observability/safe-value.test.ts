import fc from "fast-check";
import { expect, test } from "vitest";
import { isSafeText } from "../../../../domain/observability/safe-value.ts";
import { CANARIES } from "./canaries.ts";

test.each(CANARIES)("refuses %j", (canary) => {
  expect(isSafeText(canary)).toBe(false);
});

test.each([
  "acme",
  "acme-support",
  "tenant_1",
  "msg_01jd8q2h4k0123456789abcd",
  "cnv_0123456789abcdefghjkmnpqrs",
  "trn_3k8dh2ka_mi9k2f3a_mi9k2f3b",
  "12345678-1234-4234-8234-123456789012",
  "4bf92f3577b34da6a3ce929d0e0e4736",
  "00f067aa0ba902b7",
  "whatsapp",
  "rate_limited",
  "messages.upsert",
  "HubError",
  "GET",
  "200",
  "$log",
  "$wf:agent-onboarding",
])("lets %j through", (id) => {
  expect(isSafeText(id)).toBe(true);
});

test("no phone number passes, with any country code and separators", () => {
  const phone = fc
    .tuple(fc.constantFrom("", "+"), fc.stringMatching(/^[0-9]{7,15}$/))
    .map(([plus, digits]) => plus + digits);
  const separated = fc
    .array(fc.stringMatching(/^[0-9]{2,4}$/), { minLength: 4, maxLength: 5 })
    .chain((groups) => fc.constantFrom(...["-", ".", ":"]).map((sign) => groups.join(sign)));
  const prefixed = phone.map((digits) => `wa:${digits}`);
  fc.assert(
    fc.property(fc.oneof(phone, separated, prefixed), (value) => {
      expect(isSafeText(value)).toBe(false);
    }),
  );
});

test("no text with white space or an at sign passes", () => {
  fc.assert(
    fc.property(fc.string(), fc.constantFrom(" ", "@", "\n", "\t"), fc.string(), (a, sign, b) => {
      expect(isSafeText(a + sign + b)).toBe(false);
    }),
  );
});
