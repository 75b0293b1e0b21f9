/** Tasks `emit`, `listen` and `wait`. */
import type { Part } from "./build.ts";
import { durationMs } from "./duration.ts";
import { ARRIVAL_ATTRIBUTES, consumed } from "./event-filter.ts";
import {
  actionParts,
  data,
  on,
  onlyMembers,
  resultOf,
  type Task,
  takeResult,
  timeoutOf,
} from "./task.ts";
import { membersOf, shown } from "./value.ts";

/** Action that publishes an event. Its input: the event's CloudEvents attributes and `data`; its result: the event. */
export const EMIT_ACTION = "event.publish";

/** The event becomes the output. */
export function emitTask(task: Task): readonly Part[] {
  const place = task.place.at("emit");
  const emit = membersOf(task.members.emit) ?? {};
  onlyMembers(emit, ["event"], place);
  const event = membersOf(membersOf(emit.event)?.with) ?? {};
  const at = place.at("event").at("with");
  if (event.type === undefined || event.source === undefined)
    at.fault("invalid", "source and type are expected");
  return actionParts(task, { action: EMIT_ACTION, with: data(task, event, at, { secrets: true }) });
}

/** One event. The output is a list, as in the DSL: of one event's data. */
export function listenTask(task: Task): readonly Part[] {
  const { build, members, scope } = task;
  const place = task.place.at("listen");
  const listen = membersOf(members.listen) ?? {};
  onlyMembers(listen, ["to", "read"], place);
  if (members.foreach !== undefined)
    task.place.at("foreach").fault("not_supported", "foreach: a loop over events as they come");
  if (listen.read !== undefined && listen.read !== "data")
    place
      .at("read")
      .fault("not_supported", `read ${shown(listen.read)}: only an event's data is read`);
  const filters = consumed(listen.to, place.at("to"), {
    build,
    scope,
    attributes: ARRIVAL_ATTRIBUTES,
  });
  if (filters.length > 1)
    place.at("to").fault("not_supported", "any of several events: one is waited for");
  const [filter] = filters;
  if (filter === undefined) return [];
  build.notes.push({
    path: place.path,
    detail: "takes events of the run's own correlation id only",
  });
  const match = filter.match === undefined ? {} : { match: filter.match };
  const more = {
    event: { type: filter.type },
    ...match,
    ...resultOf(task, { text: "[output]", kind: "list" }),
    ...timeoutOf(task),
  };
  const wait: Part = (id, next) =>
    build.push({ id, type: "event", ...more, ...on(next) }, task.place, scope);
  return [wait, takeResult(task)];
}

/** A fixed time. */
export function waitTask(task: Task): readonly Part[] {
  const { build, members, place, scope } = task;
  const ms = durationMs(members.wait, place.at("wait")) ?? 0;
  return [(id, next) => build.push({ id, type: "wait", for: ms, ...on(next) }, task.place, scope)];
}
