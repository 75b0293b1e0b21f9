/**
 * Errors of the DSL are `{type, status, title, detail, instance}`, ours are `{code, message}`. A code is the short name
 * of the type and the status, `compliance.400`; that of a failed HTTP call is `http.404`.
 */
import { ErrorCode, type Mapping } from "../../../schema/workflow-value.ts";
import { celText } from "./jq-cel.ts";
import { membersOf } from "./value.ts";

const STANDARD = "https://serverlessworkflow.io/spec/1.0.0/errors/";
/** Names of the DSL's own types that say the same here. */
const SAME_AS: ReadonlyMap<string, string> = new Map([["communication", "http"]]);

/** `https://…/errors/not-implemented` and 500: `not-implemented.500`. Undefined where no code can be made of it. */
export function codeOf(type: string, status: number): string | undefined {
  const short = shortOf(type);
  const code = short === "timeout" ? short : `${short}.${status}`;
  return short !== undefined && ErrorCode.safeParse(code).success ? code : undefined;
}

/** Last part of a type's URI, as a code begins with it. */
export function shortOf(type: string): string | undefined {
  const last = type.split(/[/#:]/).at(-1) ?? "";
  const short = last.replace(/[^A-Za-z0-9_]+/g, "-").replace(/^-|-$/g, "");
  return short === "" ? undefined : (SAME_AS.get(short) ?? short);
}

/** The error of a failed step as the document's expressions expect it. */
export function caughtError(
  step: string,
  instance: string,
  types: ReadonlyMap<string, string>,
): Mapping {
  const error = `steps[${celText(step).text}].error`;
  const code = `${error}.code`;
  const short = `${code}.split(".")[0]`;
  const known = [...types].map(([name, type]) => `${celText(name).text}: ${celText(type).text}`);
  const fallback = `${celText(STANDARD).text} + ${short}`;
  return {
    code: `{{ ${code} }}`,
    type: `{{ {${known.join(", ")}}[?${short}].orValue(${fallback}) }}`,
    status: `{{ ${code}.matches("^[A-Za-z0-9_-]+[.][0-9]+$") ? int(${code}.split(".")[1]) : 500 }}`,
    title: `{{ ${error}.message }}`,
    instance: { $literal: instance },
  };
}

/** Types that a document raises, by short name, and the one of failed calls. */
export function raisedTypes(root: unknown): ReadonlyMap<string, string> {
  const types = new Map([["http", `${STANDARD}communication`]]);
  for (const type of typesIn(root, "")) types.set(shortOf(type) ?? type, type);
  return types;
}

/** Types of what is called `error`, or stands in what is called `errors`. */
function typesIn(value: unknown, key: string): readonly string[] {
  if (Array.isArray(value)) return value.flatMap((one) => typesIn(one, key));
  const members = membersOf(value) ?? {};
  const { type } = members;
  return [
    ...(key === "error" && typeof type === "string" ? [type] : []),
    ...Object.entries(members).flatMap(([name, one]) =>
      typesIn(one, key === "errors" ? "error" : name),
    ),
  ];
}
