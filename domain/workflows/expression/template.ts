/** Texts with `{{ expression }}` in them, taken apart. A literal `{{` is written `{{ "{{" }}`. */
import { fail, ok, type Result } from "../../result.ts";
import type { ExpressionFailure } from "./failure.ts";

export type TemplatePart =
  | { readonly is: "text"; readonly text: string }
  | { readonly is: "expression"; readonly text: string; readonly position: number };

/** In order; a text without `{{` is one part. A `{{` that nothing closes is a failure `syntax`. */
export function templateParts(
  template: string,
): Result<readonly TemplatePart[], ExpressionFailure> {
  const parts: TemplatePart[] = [];
  let at = 0;
  for (let open = template.indexOf("{{"); open >= 0; open = template.indexOf("{{", at)) {
    if (open > at) parts.push({ is: "text", text: template.slice(at, open) });
    const close = endOf(template, open + 2);
    if (close === undefined)
      return fail({ reason: "syntax", message: "{{ is not closed by }}", position: open });
    parts.push({ is: "expression", text: template.slice(open + 2, close), position: open + 2 });
    at = close + 2;
  }
  if (at < template.length) parts.push({ is: "text", text: template.slice(at) });
  return ok(parts);
}

/** Where the `}}` stands that is neither in a string nor the end of a map. */
function endOf(template: string, from: number): number | undefined {
  let depth = 0;
  for (let at = from; at < template.length; at++) {
    const char = template[at] ?? "";
    if (char === '"' || char === "'") at = endOfString(template, at, char);
    else if (char === "{") depth += 1;
    else if (char === "}" && depth > 0) depth -= 1;
    else if (char === "}" && template[at + 1] === "}") return at;
  }
  return undefined;
}

function endOfString(template: string, from: number, quote: string): number {
  for (let at = from + 1; at < template.length; at++) {
    if (template[at] === "\\") at += 1;
    else if (template[at] === quote) return at;
  }
  return template.length;
}
