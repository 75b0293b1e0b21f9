/** What an expression reads: its roots, and the steps whose results it names. For checks before anything runs. */
import type { ASTNode } from "@marcbachmann/cel-js";
import { isMacro } from "./macros.ts";
import { childrenOf } from "./parse.ts";

export interface References {
  /** Roots, and names that are none; without those the expression binds itself. */
  readonly names: ReadonlyMap<string, number>;
  /** Ids after `steps`, and where they stand. */
  readonly steps: ReadonlyMap<string, number>;
}

/** Positions are those of the first mention. */
export function referencesOf(root: ASTNode): References {
  const found = {
    names: new Map<string, number>(),
    steps: new Map<string, number>(),
  };
  const open: { readonly node: ASTNode; readonly bound: readonly string[] }[] = [
    { node: root, bound: [] },
  ];
  for (let next = open.pop(); next; next = open.pop()) {
    const { node, bound } = next;
    if (node.op === "id" && !bound.includes(node.args)) note(found.names, node.args, node.pos);
    noteMember(found, node, bound);
    for (const child of readBy(node))
      open.push({ node: child, bound: boundIn(node, child, bound) });
  }
  return found;
}

/** The `cel` of `cel.bind` is no name. */
function readBy(node: ASTNode): readonly ASTNode[] {
  const isBind = node.op === "rcall" && node.args[0] === "bind";
  return isBind ? node.args[2] : childrenOf(node);
}

function note(map: Map<string, number>, name: string, position: number): void {
  const known = map.get(name);
  map.set(name, known === undefined ? position : Math.min(known, position));
}

type Found = { readonly steps: Map<string, number> };

function noteMember(found: Found, node: ASTNode, bound: readonly string[]): void {
  if (node.op !== "." && node.op !== ".?" && node.op !== "[]" && node.op !== "[?]") return;
  const [outer, key] = node.args;
  if (outer.op !== "id" || outer.args !== "steps" || bound.includes("steps")) return;
  const name = typeof key === "string" ? key : key.op === "value" ? key.args : undefined;
  if (typeof name === "string") note(found.steps, name, node.pos);
}

/** Within a macro's arguments its variable hides the root of the same name. */
function boundIn(node: ASTNode, child: ASTNode, bound: readonly string[]): readonly string[] {
  if (node.op !== "rcall" || !isMacro(node.args[0], node.args[2].length)) return bound;
  const [, receiver, [variable]] = node.args;
  const inside = child !== receiver && variable?.op === "id";
  return inside ? [...bound, variable.args] : bound;
}
