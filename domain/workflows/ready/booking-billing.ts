/**
 * Booking and billing over four services: the cover is verified, the slot reserved, the person's share billed, and the
 * person told. What fails undoes the others, the last first, and the person is told that too. People are named by
 * reference: who they are is known to the services alone.
 */
import type { WorkflowDefinition } from "../../../schema/workflow.ts";
import { answered, call, doubt, effect, REFERENCE, reference, undo, undoneBy } from "./parts.ts";

const input = {
  type: "object",
  required: ["person", "service", "slot", "amount"],
  additionalProperties: false,
  properties: {
    person: reference("per", "Whom it is for"),
    service: reference("srv", "What is booked"),
    slot: reference("slot", "When and where"),
    amount: {
      type: "object",
      required: ["minor", "currency"],
      additionalProperties: false,
      properties: {
        minor: { type: "integer", minimum: 0, description: "In the currency's smallest unit" },
        currency: { type: "string", pattern: "^[A-Z]{3}$" },
      },
    },
  },
};

const steps: WorkflowDefinition["steps"] = [
  effect({
    id: "verify",
    name: "Verify the cover",
    action: "coverage.verify",
    with: {
      reference: REFERENCE,
      person: "{{ input.person }}",
      service: "{{ input.service }}",
      amount: "{{ input.amount }}",
    },
    output: answered("authorization"),
    next: "reserve",
  }),
  effect({
    id: "reserve",
    name: "Reserve the slot",
    action: "reservations.reserve",
    with: {
      reference: REFERENCE,
      person: "{{ input.person }}",
      service: "{{ input.service }}",
      slot: "{{ input.slot }}",
    },
    output: answered("reservation"),
    next: "bill",
  }),
  effect({
    id: "bill",
    name: "Bill the person's share",
    action: "billing.charge",
    with: {
      reference: REFERENCE,
      person: "{{ input.person }}",
      amount: "{{ input.amount }}",
      authorization: "{{ steps.verify.output.authorization }}",
      reservation: "{{ steps.reserve.output.reservation }}",
    },
    output: answered("invoice"),
    next: "notify",
  }),
  call({
    id: "notify",
    name: "Tell the person",
    action: "notifications.send",
    with: {
      reference: REFERENCE,
      person: "{{ input.person }}",
      template: "booking.confirmed",
      about: "{{ steps.reserve.output.reservation }}",
    },
    output: answered("notification"),
  }),
  doubt("verify"),
  doubt("reserve"),
  doubt("bill"),
  undo("withdraw", "Withdraw the authorization", "coverage.withdraw"),
  undo("release", "Release the slot", "reservations.release"),
  undo("refund", "Refund the bill", "billing.refund"),
  call({
    id: "apologise",
    name: "Tell the person that nothing was booked",
    action: "notifications.send",
    with: {
      reference: REFERENCE,
      person: "{{ input.person }}",
      template: "booking.failed",
      about: "{{ input.slot }}",
    },
    output: answered("notification"),
  }),
];

export const BOOKING_BILLING: WorkflowDefinition = {
  id: "booking-billing",
  name: "Booking and billing",
  version: "1.0.0",
  description:
    "Verifies the cover, reserves the slot, bills the person's share and tells the person. A failure at any step takes everything back, the last first.",
  labels: { ready: "true", kind: "saga" },
  input,
  output: {
    authorization: "{{ steps.verify.output.authorization }}",
    reservation: "{{ steps.reserve.output.reservation }}",
    invoice: "{{ steps.bill.output.invoice }}",
  },
  timeout: "1h",
  steps,
  compensation: undoneBy({ verify: "withdraw", reserve: "release", bill: "refund" }),
  onFailure: "apologise",
};
