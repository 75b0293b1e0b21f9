/** What a key's scopes allow. Scopes are `*`, `<noun>:*`, `<noun>:read` and `<noun>:write`; writing does not imply reading. */

/** True if `granted` covers `needed` (`<noun>:read` or `<noun>:write`). */
export function allows(granted: readonly string[], needed: string): boolean {
  const noun = needed.slice(0, needed.indexOf(":"));
  return granted.some((scope) => scope === "*" || scope === needed || scope === `${noun}:*`);
}

/** True if every scope in `wanted` is covered: nobody grants a key more than their own. */
export function mayGrant(granted: readonly string[], wanted: readonly string[]): boolean {
  return wanted.every((scope) => {
    if (granted.includes("*") || granted.includes(scope)) return true;
    if (scope === "*") return false;
    const noun = scope.slice(0, scope.indexOf(":"));
    if (scope !== `${noun}:*`) return allows(granted, scope);
    return allows(granted, `${noun}:read`) && allows(granted, `${noun}:write`);
  });
}
