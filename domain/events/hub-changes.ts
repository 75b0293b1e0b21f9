/** Which members of a thing have changed, by name: events of the administration tell that much and no values. */

/** Members that are looked into: what is in them changes one by one. */
const OPENED = new Set(["credentials", "config"]);

/** `name`, or `credentials.apiKey` for what is inside an opened member; sorted. */
export function changedMembers(before: object, after: object): readonly string[] {
  return changesIn(before, after).toSorted();
}

function changesIn(before: object, after: object): readonly string[] {
  const old = new Map<string, unknown>(Object.entries(before));
  const now = new Map<string, unknown>(Object.entries(after));
  const names = [...new Set([...old.keys(), ...now.keys()])];
  return names
    .filter((name) => JSON.stringify(old.get(name)) !== JSON.stringify(now.get(name)))
    .flatMap((name) => {
      if (!OPENED.has(name)) return [name];
      const inside = changesIn(objectIn(old, name), objectIn(now, name));
      return inside.map((one) => `${name}.${one}`);
    });
}

function objectIn(members: ReadonlyMap<string, unknown>, name: string): object {
  const value = members.get(name);
  return typeof value === "object" && value !== null ? value : {};
}
