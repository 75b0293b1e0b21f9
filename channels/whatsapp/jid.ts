/**
 * WhatsApp addresses (JIDs): people `@s.whatsapp.net`, hidden ids `@lid`, groups `@g.us`. One person's
 * devices and the spellings of older servers come down to one address here.
 */

/** User part (digits, group ids with a hyphen, `status`), optional agent and device, server. */
const JID = /^([0-9A-Za-z.-]{1,64})(?:_\d{1,4})?(?::\d{1,4})?@([a-z][a-z0-9.-]{0,31})$/;
const PHONE = /^\+?(\d{5,20})$/;
const GROUP_USER = /^(?:\d{18,32}|\d{5,20}-\d{5,20})$/;
const PERSON = "@s.whatsapp.net";
const GROUP = "@g.us";

/**
 * The normal form of a JID or bare number, or undefined where it is neither. `5511…:4@s.whatsapp.net`
 * and `5511…@c.us` are `5511…@s.whatsapp.net`; Evolution's own channel type sends bare numbers.
 */
export function normaliseJid(value: string): string | undefined {
  if (!value.includes("@")) {
    return jidOfNumber(value);
  }
  const match = JID.exec(value);
  if (!match) {
    return undefined;
  }
  const [, user, server] = match;
  return `${user}@${server === "c.us" ? "s.whatsapp.net" : server}`;
}

/** True for a person's address that shows the phone number. */
export function isPhoneJid(jid: string): boolean {
  return jid.endsWith(PERSON);
}

/** True for a group. */
export function isGroup(jid: string): boolean {
  return jid.endsWith(GROUP);
}

/** Status stories, broadcast lists and newsletters: nobody to answer. */
export function isBroadcast(jid: string): boolean {
  return jid.endsWith("@broadcast") || jid.endsWith("@newsletter");
}

/** The bare phone number of a person's address. */
export function phoneOf(jid: string): string | undefined {
  return isPhoneJid(jid) ? jid.slice(0, -PERSON.length) : undefined;
}

function jidOfNumber(value: string): string | undefined {
  if (GROUP_USER.test(value)) {
    return `${value}${GROUP}`;
  }
  const phone = PHONE.exec(value)?.[1];
  return phone === undefined ? undefined : `${phone}${PERSON}`;
}
