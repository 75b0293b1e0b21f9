/** What `.` and `$names` stand for at a place of a document. */
import type { Build, Scope } from "./build.ts";
import { variableCel } from "./build.ts";
import { type Cel, cel, celText, type Names } from "./jq-cel.ts";

export interface Standing {
  /** `.`; absent: the current data. */
  readonly dot?: Cel;
  /** Name of the task. */
  readonly task?: string;
  /** In the input of a call, where secrets may be used. */
  readonly secrets?: true;
}

type Found = { readonly cel: Cel; readonly used: number };

/** Names within the tasks of a scope. */
export function namesIn(build: Build, scope: Scope, standing: Standing = {}): Names {
  const data = variableCel(scope.data);
  return {
    dot: standing.dot ?? data,
    variable(name, path) {
      const found = scope.names.get(name) ?? whole(name, data, standing);
      if (found) return { cel: found, used: 0 };
      if (name === "workflow") return workflow(build, path);
      if (name === "secrets") return secret(path, standing);
      const isTask = name === "task" && path[0] === "name" && standing.task !== undefined;
      return isTask ? { cel: celText(standing.task ?? ""), used: 1 } : undefined;
    },
  };
}

/** Names that hold data as it is. */
function whole(name: string, data: Cel, { dot }: Standing): Cel | undefined {
  if (name === "input") return data;
  if (name === "context") return variableCel("context");
  return name === "output" ? dot : undefined;
}

function workflow(build: Build, path: readonly string[]): Found | undefined {
  if (path[0] === "input") return { cel: cel("input"), used: 1 };
  if (path[0] === "id") return { cel: cel("run.id"), used: 1 };
  const [definition, document, key] = path;
  if (definition !== "definition" || document !== "document") return undefined;
  const { name, namespace, version } = build.document;
  const said = key === "name" ? name : key === "namespace" ? namespace : version;
  return ["name", "namespace", "version"].includes(key ?? "")
    ? { cel: celText(said), used: 3 }
    : undefined;
}

function secret([name]: readonly string[], { secrets }: Standing): Found | undefined {
  if (secrets === undefined || name === undefined) return undefined;
  return { cel: cel(`secrets[${celText(name).text}]`), used: 1 };
}
