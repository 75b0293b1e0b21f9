/**
 * A graph as an SVG picture that stands alone: no script, no font, no reference to anything outside. Every text is
 * escaped. States are told by a sign and a word as well as by colour.
 */
import {
  layoutOf,
  NODE_HEIGHT,
  NODE_WIDTH,
  type PlacedEdge,
  type PlacedNode,
  type Point,
} from "./layout.ts";
import type { StepState, WorkflowGraph } from "./model.ts";

/** Longest label and detail in a node, and text beside an edge, in characters; the rest is in the tooltip. */
const LABEL_CHARS_MAX = 24;
const DETAIL_CHARS_MAX = 30;
const EDGE_CHARS_MAX = 18;

const SIGNS: Readonly<Record<StepState, string>> = {
  running: "▶ running",
  retrying: "↻ retrying",
  // No hourglass: it is a picture that few fonts of servers have.
  waiting: "… waiting",
  succeeded: "✓ done",
  skipped: "– skipped",
  failed: "✗ failed",
  cancelled: "■ cancelled",
  compensated: "↺ undone",
  compensation_failed: "✗ undo failed",
};

const STYLE = `
text{font-family:system-ui,sans-serif;fill:#111827}
.label{font-size:13px;font-weight:600}.detail,.state{font-size:11px;fill:#4b5563}.edge-text{font-size:11px;fill:#4b5563}
.edge-text{paint-order:stroke;stroke:#fff;stroke-width:4px}
.node{fill:#fff;stroke:#6b7280;stroke-width:1.5}
.edge{fill:none;stroke:#9ca3af;stroke-width:1.5}.tip{fill:#9ca3af}
.dashed{stroke-dasharray:5 4}
.taken .edge{stroke:#111827;stroke-width:2.5}.taken .tip{fill:#111827}
.succeeded .node{fill:#dcfce7;stroke:#15803d}.running .node,.retrying .node,.waiting .node{fill:#dbeafe;stroke:#1d4ed8}
.failed .node,.compensation_failed .node{fill:#fee2e2;stroke:#b91c1c;stroke-width:2.5}
.compensated .node{fill:#fef3c7;stroke:#b45309}.skipped .node,.cancelled .node{fill:#f3f4f6;stroke-dasharray:4 3}
`.replaceAll("\n", "");

export function svgOf(graph: WorkflowGraph): string {
  const { nodes, edges, width, height } = layoutOf(graph);
  const title = escaped(graph.title, Infinity);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">`,
    `<title>${title}</title><style>${STYLE}</style>`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    ...edges.map(edgeSvg),
    ...nodes.map(nodeSvg),
    "</svg>",
  ].join("\n");
}

function nodeSvg(node: PlacedNode): string {
  const { x, y, label, detail, state } = node;
  const tip = escaped([label, detail, state ?? ""].filter(Boolean).join(" · "), Infinity);
  const lines = [
    textSvg("label", x, detail === "" ? y + 4 : y - (state ? 9 : 3), label, LABEL_CHARS_MAX),
    ...(detail === ""
      ? []
      : [textSvg("detail", x, y + (state ? 6 : 14), detail, DETAIL_CHARS_MAX)]),
    ...(state ? [textSvg("state", x, y + 21, SIGNS[state], DETAIL_CHARS_MAX)] : []),
  ];
  const classes = state ? ` class="${state}"` : "";
  return `<g${classes}><title>${tip}</title>${shapeSvg(node)}${lines.join("")}</g>`;
}

function textSvg(kind: string, x: number, y: number, text: string, most: number): string {
  return `<text class="${kind}" x="${x}" y="${y}" text-anchor="middle">${escaped(text, most)}</text>`;
}

function shapeSvg({ shape, x, y }: PlacedNode): string {
  const left = x - NODE_WIDTH / 2;
  const top = y - NODE_HEIGHT / 2;
  const box = (corner: number) =>
    `<rect class="node" x="${left}" y="${top}" width="${NODE_WIDTH}" height="${NODE_HEIGHT}" rx="${corner}"/>`;
  switch (shape) {
    case "start":
    case "end":
      return `<ellipse class="node" cx="${x}" cy="${y}" rx="44" ry="${NODE_HEIGHT / 2}"/>`;
    case "decision":
    case "switch":
      return polygon([
        { x: left, y },
        { x: left + 18, y: top },
        { x: left + NODE_WIDTH - 18, y: top },
        { x: left + NODE_WIDTH, y },
        { x: left + NODE_WIDTH - 18, y: top + NODE_HEIGHT },
        { x: left + 18, y: top + NODE_HEIGHT },
      ]);
    case "wait":
    case "event":
      return box(NODE_HEIGHT / 2);
    case "parallel":
    case "map":
    case "loop":
    case "workflow":
      return `${box(4)}<path class="edge" d="M${left + 8} ${top}v${NODE_HEIGHT}M${left + NODE_WIDTH - 8} ${top}v${NODE_HEIGHT}"/>`;
    case "approval":
      return polygon([
        { x: left + 14, y: top },
        { x: left + NODE_WIDTH, y: top },
        { x: left + NODE_WIDTH - 14, y: top + NODE_HEIGHT },
        { x: left, y: top + NODE_HEIGHT },
      ]);
    default:
      return box(8);
  }
}

function polygon(points: readonly Point[]): string {
  return `<polygon class="node" points="${points.map(({ x, y }) => `${x},${y}`).join(" ")}"/>`;
}

const DASHED: ReadonlySet<PlacedEdge["kind"]> = new Set([
  ...(["error", "undo", "back", "failure", "failed"] as const),
]);

function edgeSvg(edge: PlacedEdge): string {
  const { points, kind, label, taken, backwards } = edge;
  const dashed = DASHED.has(kind) ? " dashed" : "";
  const head = tipSvg(points, backwards);
  const text = label === "" ? "" : labelSvg(points, edge);
  const classes = taken ? ' class="taken"' : "";
  return `<g${classes}><path class="edge${dashed}" d="${edge.from === edge.to ? loop(points) : curve(points)}"/>${head}${text}</g>`;
}

/** Straight down at each point, curved between them. */
function curve(points: readonly Point[]): string {
  return points
    .map(({ x, y }, at) => {
      const from = points[at - 1];
      if (!from) return `M${x} ${y}`;
      const bend = Math.round((y - from.y) / 2);
      return `C${from.x} ${from.y + bend} ${x} ${y - bend} ${x} ${y}`;
    })
    .join("");
}

/** Out of the right side of a node and back into it. */
function loop([{ x, y } = { x: 0, y: 0 }]: readonly Point[]): string {
  const right = x + NODE_WIDTH / 2;
  return `M${right} ${y - NODE_HEIGHT * 0.75}c48 -8 48 36 0 28`;
}

function tipSvg(points: readonly Point[], backwards: boolean): string {
  const end = backwards ? points[0] : points.at(-1);
  if (!end) return "";
  const back = backwards ? 8 : -8;
  return `<path class="tip" d="M${end.x} ${end.y}l-5 ${back}h10z"/>`;
}

/** Near the end of the first stretch, where edges of one node are apart. */
function labelSvg(points: readonly Point[], { kind, label }: PlacedEdge): string {
  const [from = { x: 0, y: 0 }, to = from] = points;
  const x = Math.round((from.x + to.x * 4) / 5);
  // An undo often goes the way of an error.
  const y = Math.round((from.y + to.y * 2) / 3) + (kind === "undo" ? 12 : 0);
  return textSvg("edge-text", x, y, label, EDGE_CHARS_MAX);
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/** XML text of a text: cut, without what XML 1.0 does not allow. */
function escaped(text: string, most: number): string {
  const characters = Array.from(
    text.toWellFormed().replace(/[^\u0020-\uFFFD\u{10000}-\u{10FFFF}]+/gu, " "),
  );
  const cut = characters.length > most ? [...characters.slice(0, most - 1), "…"] : characters;
  return cut.join("").replace(/[&<>"']/g, (char) => ENTITIES[char] ?? "");
}
