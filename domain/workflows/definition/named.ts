/** What of the tenant's a definition names, as far as it can be told before a run: it has to be there when a step comes to it. */
import type { WorkflowDefinition } from "../../../schema/workflow.ts";
import type { WorkflowStepDefinition } from "../../../schema/workflow-step.ts";
import { namedSecrets } from "../secrets/named.ts";
import { isObject } from "./draft.ts";

type Path = readonly (string | number)[];

/** With its place in the definition. */
export interface NamedThing {
  readonly kind: "connection" | "event_type" | "secret" | "workflow";
  readonly name: string;
  /** Of a workflow, where one is named. */
  readonly version?: string;
  readonly path: Path;
}

/** In the order of the definition; names that only a run knows are left out, and so is the workflow itself. */
export function namedThings(definition: WorkflowDefinition): readonly NamedThing[] {
  const { steps, triggers = [] } = definition;
  return [
    ...steps.flatMap((step, at) =>
      ofStep(step, definition).map((one) => ({ ...one, path: ["steps", at, ...one.path] })),
    ),
    ...triggers.flatMap((trigger, at) => {
      if (trigger.type === "webhook")
        return constant("secret", trigger.secret, ["triggers", at, "secret"]);
      return trigger.type === "message"
        ? constant("connection", trigger.connection, ["triggers", at, "connection"])
        : [];
    }),
  ];
}

function ofStep(
  step: WorkflowStepDefinition,
  { id, version: own }: WorkflowDefinition,
): readonly NamedThing[] {
  switch (step.type) {
    case "approval":
      return constant("connection", step.channel?.connection, ["channel", "connection"]);
    case "workflow": {
      const { workflow: name, version } = step;
      if (name === id && (version === undefined || version === own)) return [];
      const of = version === undefined ? {} : { version };
      return [{ kind: "workflow", name, ...of, path: ["workflow"] }];
    }
    case "action":
      return ofAction(step.action, step.with);
    default:
      return [];
  }
}

/** Actions of the hub's that take a connection, by name. */
const CONNECTED: ReadonlySet<string> = new Set(["agent.run", "connection.call", "message.send"]);

function ofAction(action: string, given: unknown): readonly NamedThing[] {
  const secrets = namedSecrets(given, ["with"]).map(
    ({ name, path }) => ({ kind: "secret", name, path }) as const,
  );
  const members = isObject(given) ? given : {};
  return [
    ...secrets,
    ...(CONNECTED.has(action)
      ? constant("connection", members.connection, ["with", "connection"])
      : []),
    ...(action === "event.publish"
      ? constant("event_type", members.event_type, ["with", "event_type"])
      : []),
  ];
}

function constant(kind: NamedThing["kind"], name: unknown, path: Path): readonly NamedThing[] {
  return typeof name === "string" && !name.includes("{{") ? [{ kind, name, path }] : [];
}
