/**
 * Puts a graph's nodes into rows from top to bottom: each below everything that leads to it, circles cut where they close.
 * Long edges pass through waypoints, so that they do not run behind nodes. Linear, but for a few sweeps.
 */
import { type GraphEdge, type GraphNode, START, type WorkflowGraph } from "./model.ts";

export const NODE_WIDTH = 200;
export const NODE_HEIGHT = 56;
const GAP_X = 36;
const GAP_Y = 64;
const MARGIN = 24;
/** Width that a waypoint takes in its row. */
const WAYPOINT_WIDTH = 28;
/** An edge that goes back stands this far beside the one that goes forward. */
const BACK_SHIFT = 32;
/** Waypoints of one picture; further edges go straight. */
const WAYPOINTS_MAX = 2000;
/** Passes over the rows, down and up in turn. */
const SWEEPS = 6;

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** `x` and `y` are a node's centre. */
export type PlacedNode = GraphNode & Point;

export interface PlacedEdge extends GraphEdge {
  /** From the lower edge of one node to the upper edge of the other; against the flow for an edge that goes back. */
  readonly points: readonly Point[];
  readonly backwards: boolean;
}

export interface Layout {
  readonly nodes: readonly PlacedNode[];
  readonly edges: readonly PlacedEdge[];
  readonly width: number;
  readonly height: number;
}

/** A node or waypoint in a row. */
interface Slot {
  readonly key: string;
  readonly width: number;
  readonly above: string[];
  readonly below: string[];
}

export function layoutOf({ nodes, edges }: WorkflowGraph): Layout {
  const backwards = backwardEdges(nodes, edges);
  const rows = rowsOf(nodes, edges, backwards);
  const { slots, chains } = slotsOf(nodes, edges, backwards, rows);
  const ordered = sweep(slots);
  const { points, width } = pointsOf(ordered);
  const at = (key: string) => points.get(key) ?? { x: 0, y: 0 };
  return {
    nodes: nodes.map((node) => ({ ...node, ...at(node.id) })),
    edges: edges.map((edge, index) => ({
      ...edge,
      backwards: backwards.has(index),
      points: pathOf((chains[index] ?? []).map(at), backwards.has(index) ? BACK_SHIFT : 0),
    })),
    width,
    height: ordered.length * (NODE_HEIGHT + GAP_Y) - GAP_Y + 2 * MARGIN,
  };
}

/** Indices of the edges that close a circle, by depth first search from the start; as deep as there are steps. */
function backwardEdges(
  nodes: readonly GraphNode[],
  edges: readonly GraphEdge[],
): ReadonlySet<number> {
  const out = outgoing(edges);
  const open = new Set<string>();
  const done = new Set<string>();
  const backwards = new Set<number>();
  const visit = (id: string) => {
    if (done.has(id)) return;
    open.add(id);
    for (const index of out.get(id) ?? []) {
      const to = edges[index]?.to ?? "";
      if (open.has(to)) backwards.add(index);
      else visit(to);
    }
    open.delete(id);
    done.add(id);
  };
  visit(START);
  for (const { id } of nodes) visit(id);
  return backwards;
}

function outgoing(edges: readonly GraphEdge[]): ReadonlyMap<string, readonly number[]> {
  const out = new Map<string, number[]>();
  for (const [index, { from }] of edges.entries()) {
    const known = out.get(from);
    if (known) known.push(index);
    else out.set(from, [index]);
  }
  return out;
}

/** Row of each node: one below the lowest that leads to it. */
function rowsOf(
  nodes: readonly GraphNode[],
  edges: readonly GraphEdge[],
  backwards: ReadonlySet<number>,
): ReadonlyMap<string, number> {
  const forward = edges.filter((_, index) => !backwards.has(index));
  const waiting = new Map(nodes.map(({ id }) => [id, 0]));
  for (const { to } of forward) waiting.set(to, (waiting.get(to) ?? 0) + 1);
  const out = outgoing(forward);
  const rows = new Map(nodes.map(({ id }) => [id, 0]));
  const open = nodes.flatMap(({ id }) => (waiting.get(id) === 0 ? [id] : []));
  for (let id = open.pop(); id !== undefined; id = open.pop()) {
    for (const index of out.get(id) ?? []) {
      const to = forward[index]?.to ?? "";
      rows.set(to, Math.max(rows.get(to) ?? 0, (rows.get(id) ?? 0) + 1));
      const left = (waiting.get(to) ?? 0) - 1;
      waiting.set(to, left);
      if (left === 0) open.push(to);
    }
  }
  return rows;
}

/** Rows of slots, and for each edge the slots it passes from top to bottom. */
function slotsOf(
  nodes: readonly GraphNode[],
  edges: readonly GraphEdge[],
  backwards: ReadonlySet<number>,
  rows: ReadonlyMap<string, number>,
): { readonly slots: Slot[][]; readonly chains: readonly (readonly string[])[] } {
  const slots: Slot[][] = [];
  const byKey = new Map<string, Slot>();
  const put = (key: string, row: number, width: number) => {
    const slot: Slot = { key, width, above: [], below: [] };
    byKey.set(key, slot);
    while (slots.length <= row) slots.push([]);
    slots[row]?.push(slot);
  };
  let waypoints = 0;
  for (const { id } of nodes) put(id, rows.get(id) ?? 0, NODE_WIDTH);
  const chains = edges.map(({ from, to }, index) => {
    const [top, bottom] = backwards.has(index) ? [to, from] : [from, to];
    const [first, last] = [rows.get(top) ?? 0, rows.get(bottom) ?? 0];
    const between = Math.max(0, last - first - 1);
    waypoints += between;
    const length = waypoints > WAYPOINTS_MAX ? 0 : between;
    const way = Array.from({ length }, (_, step) => {
      // A space cannot be part of a step's id.
      const key = `${index} ${step}`;
      put(key, first + 1 + step, WAYPOINT_WIDTH);
      return key;
    });
    const chain = [top, ...way, bottom];
    for (const [position, key] of chain.entries()) {
      const next = chain[position + 1];
      if (next === undefined || next === key) continue;
      byKey.get(key)?.below.push(next);
      byKey.get(next)?.above.push(key);
    }
    return chain;
  });
  return { slots, chains };
}

/** Orders each row by the middle of its neighbours, so that few edges cross. */
function sweep(slots: readonly Slot[][]): readonly (readonly Slot[])[] {
  let rows = slots.map((row) => [...row]);
  for (let pass = 0; pass < SWEEPS; pass++) {
    const down = pass % 2 === 0;
    const place = new Map(rows.flatMap((row) => row.map(({ key }, at) => [key, at] as const)));
    const middle = (slot: Slot) => {
      const near = down ? slot.above : slot.below;
      const sum = near.reduce((total, key) => total + (place.get(key) ?? 0), 0);
      return near.length === 0 ? (place.get(slot.key) ?? 0) : sum / near.length;
    };
    rows = rows.map((row) => row.toSorted((a, b) => middle(a) - middle(b)));
  }
  return rows;
}

/** Centres each row. */
function pointsOf(rows: readonly (readonly Slot[])[]): {
  readonly points: ReadonlyMap<string, Point>;
  readonly width: number;
} {
  const widthOf = (row: readonly Slot[]) =>
    row.reduce((sum, { width }) => sum + width + GAP_X, -GAP_X);
  const inner = Math.max(NODE_WIDTH, ...rows.map(widthOf));
  const points = new Map<string, Point>();
  for (const [index, row] of rows.entries()) {
    let left = MARGIN + (inner - widthOf(row)) / 2;
    const y = MARGIN + NODE_HEIGHT / 2 + index * (NODE_HEIGHT + GAP_Y);
    for (const { key, width } of row) {
      points.set(key, { x: Math.round(left + width / 2), y });
      left += width + GAP_X;
    }
  }
  return { points, width: Math.ceil(inner + 2 * MARGIN) };
}

function pathOf(centres: readonly Point[], shift: number): readonly Point[] {
  return centres.map((centre, at) => {
    const { y } = centre;
    const x = centre.x + shift;
    if (at === 0) return { x, y: y + NODE_HEIGHT / 2 };
    return at === centres.length - 1 ? { x, y: y - NODE_HEIGHT / 2 } : { x, y };
  });
}
