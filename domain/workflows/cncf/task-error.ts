/** Tasks `raise` and `try`. */
import { RetryRule } from "../../../schema/workflow-value.ts";
import type { Part, Scope } from "./build.ts";
import { variableCel } from "./build.ts";
import { durationMs } from "./duration.ts";
import { codeOf, shortOf } from "./error-value.ts";
import type { Place } from "./faults.ts";
import { celText } from "./jq-cel.ts";
import { names, on, onlyMembers, reusable, setPart, type Task } from "./task.ts";
import { asMapping, bare, condition, expression, membersOf, shown } from "./value.ts";

/** Code of an error that a `catch` did not want. */
const UNCAUGHT = "uncaught";

/** The run fails with the error's code; its title and detail are the message. */
export function raiseTask(task: Task): readonly Part[] {
  const { build, members, scope } = task;
  const place = task.place.at("raise");
  const raise = membersOf(members.raise) ?? {};
  onlyMembers(raise, ["error"], place);
  const at = place.at("error");
  const error = membersOf(reusable(build, "errors", raise.error, at)) ?? {};
  onlyMembers(error, ["type", "status", "title", "detail", "instance"], at);
  const code = fixedCode(error.type, error.status);
  if (code === undefined)
    at.fault(
      "not_supported",
      "an error without a fixed type and status of which a code can be made",
    );
  const texts = [error.title, error.detail].flatMap((text, n) => {
    if (text === undefined) return [];
    if (typeof text !== "string" || bare(text) === undefined) return [plainText(shown(text))];
    const found = expression(text, at.at(n === 0 ? "title" : "detail"), names(task));
    return found ? [`{{ ${found.text} }}`] : [];
  });
  const message = texts.length === 0 ? {} : { message: texts.join(": ") };
  const failing = code ?? UNCAUGHT;
  return [
    (id, next) =>
      build.push({ id, type: "fail", code: failing, ...message, ...on(next) }, task.place, scope),
  ];
}

/** Steps that fail inside go on at the catch; with `retry`, the one call inside is tried again first. */
export function tryTask(task: Task): readonly Part[] {
  const { build, members, scope } = task;
  const place = task.place.at("catch");
  const caught = membersOf(members.catch) ?? {};
  onlyMembers(caught, ["errors", "as", "when", "exceptWhen", "retry", "do"], place);
  const retry = retryOf(task, caught, place);
  const variable = build.variable("error");
  const name = typeof caught.as === "string" ? caught.as : "error";
  const inside: Part = (id, next) => {
    const entry = build.id(`${task.name}-catch`);
    // A retried call that stays without success fails as it did, unless somebody handles that.
    const handled = caught.retry === undefined || caught.do !== undefined;
    const around: Scope = {
      ...scope,
      ...(handled ? { caught: { entry, variable } } : {}),
      ...(retry === undefined ? {} : { retry }),
    };
    refuseGroups(task, caught);
    const first = build.list(members.try, task.place.at("try"), around, next);
    const values = { [scope.data]: asMapping(variableCel(scope.data)) };
    build.push({ id, type: "set", values, ...on(first) }, task.place, scope);
    if (handled) catchSteps(task, { caught, entry, variable, name, next });
  };
  return [inside];
}

interface Catch {
  readonly caught: Readonly<Record<string, unknown>>;
  readonly entry: string;
  readonly variable: string;
  readonly name: string;
  readonly next: string | undefined;
}

function catchSteps(task: Task, { caught, entry, variable, name, next }: Catch): void {
  const { build, scope } = task;
  const place = task.place.at("catch");
  const error = variableCel(variable);
  const inner: Scope = { ...scope, names: new Map([...scope.names, [name, error]]) };
  const body = { ...task, scope: inner };
  const wanted = [
    ...filters(caught.errors, variable, place.at("errors")),
    ...(caught.when === undefined
      ? []
      : [condition(caught.when, place.at("when"), names(body)) ?? "true"]),
    ...(caught.exceptWhen === undefined
      ? []
      : [`!${condition(caught.exceptWhen, place.at("exceptWhen"), names(body)) ?? "false"}`]),
  ];
  const done = build.id(`${task.name}-caught`);
  const first =
    caught.do === undefined ? undefined : build.list(caught.do, place.at("do"), inner, next);
  const values = { [scope.data]: asMapping(variableCel(scope.data)) };
  build.push({ id: done, type: "set", values, ...on(first ?? next) }, place, inner);
  if (wanted.length === 0) {
    setPart(body, { [variable]: asMapping(error) })(entry, done, entry);
    return;
  }
  const uncaught = build.id(`${task.name}-uncaught`);
  const message = `{{ ${error.text}.code }}: {{ ${error.text}.title }}`;
  build.push({ id: uncaught, type: "fail", code: UNCAUGHT, message }, place, scope);
  build.push(
    { id: entry, type: "decision", condition: wanted.join(" && "), next: [done, uncaught] },
    place,
    inner,
  );
}

/** Type and status, as they are in the code. */
function filters(errors: unknown, variable: string, place: Place): readonly string[] {
  if (errors === undefined) return [];
  const members = membersOf(errors) ?? {};
  onlyMembers(members, ["with"], place);
  const wanted = membersOf(members.with) ?? {};
  const at = place.at("with");
  for (const key of Object.keys(wanted))
    if (key !== "type" && key !== "status")
      at.at(key).fault("not_supported", `errors are caught by type and status, not by ${key}`);
  const code = `vars.${variable}.code`;
  const short = typeof wanted.type === "string" ? shortOf(wanted.type) : undefined;
  if (typeof wanted.type === "string" && (short === undefined || bare(wanted.type) !== undefined))
    at.at("type").fault("not_supported", "is no fixed type");
  return [
    ...(short === undefined ? [] : [`${code}.split(".")[0] == ${celText(short).text}`]),
    ...(wanted.status === undefined ? [] : [`vars.${variable}.status == ${Number(wanted.status)}`]),
  ];
}

/** What fails inside of a fork or a loop is told as one failure of the whole: its own error cannot be looked at. */
function refuseGroups({ members, place }: Task, caught: Readonly<Record<string, unknown>>): void {
  const looks = ["errors", "when", "exceptWhen"].some((key) => caught[key] !== undefined);
  const tasks = Array.isArray(members.try) ? members.try : [];
  for (const [at, item] of tasks.entries()) {
    for (const [name, one] of Object.entries(membersOf(item) ?? {})) {
      const inner = membersOf(one) ?? {};
      if (looks && (inner.fork !== undefined || inner.for !== undefined))
        place
          .at("try")
          .at(at)
          .at(name)
          .fault("not_supported", "a fork or loop whose errors are filtered by a catch");
    }
  }
}

function retryOf(
  task: Task,
  caught: Readonly<Record<string, unknown>>,
  catchPlace: Place,
): RetryRule | undefined {
  if (caught.retry === undefined) return undefined;
  const place = catchPlace.at("retry");
  const policy = membersOf(reusable(task.build, "retries", caught.retry, place));
  if (policy === undefined) return undefined;
  const tasks = Array.isArray(task.members.try) ? task.members.try : [];
  const [only] = tasks.map((item) => membersOf(Object.values(membersOf(item) ?? {})[0]) ?? {});
  const callable =
    tasks.length === 1 && ["call", "run", "emit"].some((key) => only?.[key] !== undefined);
  if (!callable) place.fault("not_supported", "retry of anything but one call, run or emit");
  onlyMembers(policy, ["delay", "backoff", "limit", "jitter", "when", "exceptWhen"], place);
  for (const key of ["jitter", "when", "exceptWhen"])
    if (policy[key] !== undefined) place.at(key).fault("not_supported", `${key} of a retry`);
  const rule = {
    ...limitOf(policy.limit, place.at("limit")),
    ...waits(policy, place),
    ...caughtOnly(caught, catchPlace),
  };
  const checked = RetryRule.safeParse(rule);
  if (checked.success) return checked.data;
  place.fault("too_large", checked.error.issues[0]?.message ?? "is no retry rule");
  return undefined;
}

function limitOf(limit: unknown, place: Place): { readonly attempts: number } {
  const members = membersOf(limit) ?? {};
  onlyMembers(members, ["attempt", "duration"], place);
  if (members.duration !== undefined)
    place.at("duration").fault("not_supported", "a duration of all attempts");
  const attempt = membersOf(members.attempt) ?? {};
  if (attempt.duration !== undefined)
    place
      .at("attempt")
      .at("duration")
      .fault("not_supported", "a duration of one attempt: give the task a timeout");
  if (typeof attempt.count === "number") return { attempts: attempt.count + 1 };
  place.fault("not_supported", "retries without a limit of attempts");
  return { attempts: 1 };
}

function waits(policy: Readonly<Record<string, unknown>>, place: Place) {
  const delay = policy.delay === undefined ? 0 : (durationMs(policy.delay, place.at("delay")) ?? 0);
  const [kind = "constant", ...others] = Object.keys(membersOf(policy.backoff) ?? {});
  const at = place.at("backoff");
  const strategy = (["constant", "linear", "exponential"] as const).find((one) => one === kind);
  if (strategy === undefined || others.length > 0)
    at.fault("invalid", "is none of constant, linear, exponential");
  if (Object.keys(membersOf(membersOf(policy.backoff)?.[kind]) ?? {}).length > 0)
    at.at(kind).fault("not_supported", "parameters of a backoff");
  return { backoff: delay, strategy: strategy ?? ("constant" as const), jitter: "none" as const };
}

/** Only the errors that are caught are tried again. */
function caughtOnly(
  caught: Readonly<Record<string, unknown>>,
  place: Place,
): { retryOn?: string[] } {
  const wanted = membersOf(membersOf(caught.errors)?.with);
  if (wanted === undefined) return {};
  const { type, status } = wanted;
  const code = fixedCode(type, status);
  if (code !== undefined) return { retryOn: [code] };
  place.at("errors").fault("not_supported", "retry of errors that are not told by type and status");
  return {};
}

/** The code of an error whose type and status stand in the document. */
function fixedCode(type: unknown, status: unknown): string | undefined {
  const fixed = typeof type === "string" && bare(type) === undefined && typeof status === "number";
  return fixed ? codeOf(type, status) : undefined;
}

/** A message may hold expressions: a text that looks like one is kept as a text. */
function plainText(text: string): string {
  return text.includes("{{") ? `{{ ${celText(text).text} }}` : text;
}
