/** What the simulated services can be asked: which call makes a thing, which takes it back, which only answers. */

/** `make` brings a thing into being, `take` takes it back; `check` answers and changes nothing; `send` tells somebody. */
export type Service =
  | { readonly is: "make"; readonly thing: string; readonly member: string }
  | { readonly is: "take"; readonly thing: string }
  | { readonly is: "check"; readonly member: string }
  | { readonly is: "send"; readonly member: string };

/** By action. `member` is where the answer says the id of what was made. */
export const SERVICES: Readonly<Record<string, Service>> = {
  "agents.validate": { is: "check", member: "blueprint" },
  "agents.create": { is: "make", thing: "agent", member: "agent" },
  "agents.remove": { is: "take", thing: "agent" },
  "keys.issue": { is: "make", thing: "key", member: "key" },
  "keys.revoke": { is: "take", thing: "key" },
  "channels.connect": { is: "make", thing: "connection", member: "connection" },
  "channels.disconnect": { is: "take", thing: "connection" },
  "knowledge.open": { is: "make", thing: "space", member: "space" },
  "knowledge.close": { is: "take", thing: "space" },
  "coverage.verify": { is: "make", thing: "authorization", member: "authorization" },
  "coverage.withdraw": { is: "take", thing: "authorization" },
  "reservations.reserve": { is: "make", thing: "reservation", member: "reservation" },
  "reservations.release": { is: "take", thing: "reservation" },
  "billing.charge": { is: "make", thing: "invoice", member: "invoice" },
  "billing.refund": { is: "take", thing: "invoice" },
  "notifications.send": { is: "send", member: "notification" },
};
