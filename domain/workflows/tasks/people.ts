/** Who may answer a task. Names are spelt as access rules spell them: phone numbers as digits, the rest in lower case. */
import { normalizeAlias } from "../../messaging/access.ts";

export interface Asked {
  /** Absent: anybody. */
  readonly assignees?: readonly string[];
  readonly escalatedTo?: readonly string[];
}

/** Everybody asked by now, in the order they were asked; undefined: anybody. */
export function askedPeople({ assignees, escalatedTo = [] }: Asked): readonly string[] | undefined {
  return assignees && [...new Set([...assignees, ...escalatedTo])];
}

/** The name under which one of these names is asked; undefined where none is. `names` begins with the main one. */
export function askedName(asked: Asked, names: readonly string[]): string | undefined {
  const people = askedPeople(asked);
  if (!people) return names[0];
  const known = new Set(names.map(normalizeAlias));
  return people.find((person) => known.has(normalizeAlias(person)));
}

/** Names of somebody on a channel: as the platform has them, and with their connection before them. */
export function channelNames(
  connection: string,
  { id, aliases }: { readonly id: string; readonly aliases: readonly string[] },
  known: readonly string[] = [],
): readonly string[] {
  const plain = [...new Set([id, ...aliases, ...known])];
  return [...plain, ...plain.map((name) => `${connection}:${name}`)];
}
