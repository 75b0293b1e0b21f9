/**
 * Which IP addresses are public. IPv4 by a list of everything special (IANA special-purpose registry), IPv6 the
 * other way round: only global unicast (2000::/3) without its special parts. Text that is not an
 * address is not public.
 */
import { fail, ok, type Result } from "../result.ts";

export interface AddressFailure {
  readonly reason: "not_an_address" | "not_public";
}

/** Special IPv4 blocks: first address and prefix length. */
const SPECIAL_V4: readonly (readonly [string, number])[] = [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.88.99.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 4],
  ["240.0.0.0", 4],
];

/** Special IPv6 blocks inside 2000::/3, as their first two groups and prefix length (at most 32). */
const SPECIAL_V6: readonly (readonly [number, number])[] = [
  [0x2001_0000, 23],
  [0x2001_0db8, 32],
  [0x2002_0000, 16],
  [0x3fff_0000, 20],
];

/** Judges an address as text, without brackets. */
export function checkAddress(text: string): Result<void, AddressFailure> {
  const v4 = parseV4(text);
  if (v4 !== undefined) return isPublicV4(v4) ? ok(undefined) : fail({ reason: "not_public" });
  const v6 = parseV6(text);
  if (!v6) return fail({ reason: "not_an_address" });
  return isPublicV6(v6) ? ok(undefined) : fail({ reason: "not_public" });
}

function isPublicV4(address: number): boolean {
  return !SPECIAL_V4.some(([first, bits]) => inBlock(address, parseV4(first) ?? 0, bits));
}

function isPublicV6(groups: readonly number[]): boolean {
  const [a = 0, b = 0] = groups;
  const mapped = groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff;
  if (mapped) return isPublicV4((groups[6] ?? 0) * 65_536 + (groups[7] ?? 0));
  if (a >>> 13 !== 0b001) return false;
  return !SPECIAL_V6.some(([first, bits]) => inBlock(a * 65_536 + b, first, bits));
}

function inBlock(address: number, first: number, bits: number): boolean {
  const size = 2 ** (32 - bits);
  return Math.floor(address / size) === Math.floor(first / size);
}

/** Dotted decimal only: a URL's host has already been brought into this form. */
function parseV4(text: string): number | undefined {
  if (!/^\d{1,3}(?:\.\d{1,3}){3}$/.test(text)) return undefined;
  const parts = text.split(".").map(Number);
  if (parts.some((part) => part > 255)) return undefined;
  return parts.reduce((sum, part) => sum * 256 + part, 0);
}

/** Eight groups; `::` once, an IPv4 tail allowed. */
function parseV6(text: string): readonly number[] | undefined {
  if (text.length > 45) return undefined;
  const [head = "", tail, ...more] = text.split("::");
  if (more.length > 0) return undefined;
  const left = parseGroups(head);
  const right = parseGroups(tail ?? "");
  if (!left || !right) return undefined;
  const missing = 8 - left.length - right.length;
  if (tail === undefined) return missing === 0 ? left : undefined;
  return missing >= 1 ? [...left, ...new Array<number>(missing).fill(0), ...right] : undefined;
}

function parseGroups(text: string): readonly number[] | undefined {
  if (text === "") return [];
  const groups: number[] = [];
  for (const [index, part] of text.split(":").entries()) {
    const v4 = index === text.split(":").length - 1 ? parseV4(part) : undefined;
    if (v4 !== undefined) groups.push(Math.floor(v4 / 65_536), v4 % 65_536);
    else if (/^[\da-fA-F]{1,4}$/.test(part)) groups.push(Number.parseInt(part, 16));
    else return undefined;
  }
  return groups;
}
