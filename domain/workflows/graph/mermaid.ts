/** A graph as Mermaid text. Nodes are numbered and every text is escaped, so nothing an author writes is read as syntax. */
import { END, type GraphEdge, type GraphNode, START, type WorkflowGraph } from "./model.ts";

/** Longest text within a node or beside an edge, in characters. */
const TEXT_CHARS_MAX = 80;

const SHAPES: Readonly<Record<GraphNode["shape"], readonly [string, string]>> = {
  start: ["((", "))"],
  end: ["(((", ")))"],
  action: ["[", "]"],
  decision: ["{", "}"],
  switch: ["{{", "}}"],
  parallel: ["[[", "]]"],
  map: ["[[", "]]"],
  loop: ["[[", "]]"],
  workflow: ["[[", "]]"],
  wait: ["([", "])"],
  event: ["([", "])"],
  approval: ["[/", "/]"],
  set: ["(", ")"],
  fail: [">", "]"],
};

const CLASSES: readonly string[] = [
  "classDef succeeded fill:#dcfce7,stroke:#15803d,color:#14532d",
  "classDef running fill:#dbeafe,stroke:#1d4ed8,color:#1e3a8a",
  "classDef failed fill:#fee2e2,stroke:#b91c1c,color:#7f1d1d",
  "classDef compensated fill:#fef3c7,stroke:#b45309,color:#78350f",
  "classDef skipped fill:#f3f4f6,stroke:#6b7280,color:#374151",
];

const CLASS_OF = {
  running: "running",
  retrying: "running",
  waiting: "running",
  succeeded: "succeeded",
  skipped: "skipped",
  cancelled: "skipped",
  failed: "failed",
  compensated: "compensated",
  compensation_failed: "failed",
} as const;

/** A `flowchart TD`; of a run, with states and a thick line where it went. */
export function mermaidOf(graph: WorkflowGraph): string {
  const names = new Map(graph.nodes.map(({ id }, at) => [id, nameOf(id, at)]));
  const taken = graph.edges.flatMap((edge, at) => (edge.taken ? [at] : []));
  return [
    "flowchart TD",
    ...graph.nodes.map((node) => `  ${names.get(node.id)}${nodeText(node)}`),
    ...graph.edges.map((edge) => `  ${names.get(edge.from)} ${arrow(edge)} ${names.get(edge.to)}`),
    ...(graph.ofRun ? CLASSES.map((line) => `  ${line}`) : []),
    ...graph.nodes.flatMap(({ id, state }) =>
      state ? [`  class ${names.get(id)} ${CLASS_OF[state]}`] : [],
    ),
    ...(taken.length > 0 ? [`  linkStyle ${taken.join(",")} stroke-width:3px`] : []),
    "",
  ].join("\n");
}

function nameOf(id: string, at: number): string {
  if (id === START) return "start";
  return id === END ? "finish" : `s${at}`;
}

function nodeText({ shape, label, detail, state }: GraphNode): string {
  const [open, close] = SHAPES[shape];
  const lines = [label, detail === label ? "" : detail, state?.replace("_", " ") ?? ""];
  return `${open}"${lines.filter(Boolean).map(escaped).join("<br/>")}"${close}`;
}

const DASHED: ReadonlySet<GraphEdge["kind"]> = new Set([
  ...(["error", "undo", "back", "failure", "failed"] as const),
]);

function arrow({ kind, label }: GraphEdge): string {
  const line = DASHED.has(kind) ? "-.->" : "-->";
  return label === "" ? line : `${line}|"${escaped(label)}"|`;
}

/** Letters, digits and a few marks stay; everything else becomes `#code;`. */
function escaped(text: string): string {
  const characters = Array.from(text.toWellFormed().replace(/\s+/gu, " "));
  const cut =
    characters.length > TEXT_CHARS_MAX
      ? [...characters.slice(0, TEXT_CHARS_MAX - 1), "…"]
      : characters;
  return cut
    .map((char) => (/^[\p{L}\p{N} .,_…-]$/u.test(char) ? char : `#${char.codePointAt(0)};`))
    .join("");
}
