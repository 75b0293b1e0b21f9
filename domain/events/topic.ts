/**
 * Which bindings want a routing key, as RabbitMQ decides it: words between dots, `*` stands for one word, `#` for
 * any number of them, wildcards only as whole words, the empty text has no words. Bindings are compiled once
 * into a trie, so that a key is answered without looking at every binding.
 */
import { BINDING_KEY_CHARS_MAX, type Binding } from "../../schema/subscription.ts";
import { fail, ok, type Result } from "../result.ts";

/** `#` words in one binding key (RabbitMQ 4.3 refuses more). */
export const HASH_WORDS_MAX = 2;

export interface BindingFailure {
  readonly reason: "too_many_hashes" | "too_long";
}

/** One binding, and what it leads to. */
export interface BoundTarget<T> {
  readonly binding: Binding;
  readonly target: T;
}

/** Every target once, however many of its bindings match. Compares targets by identity. */
export interface TopicIndex<T> {
  match(routingKey: string): readonly T[];
}

/** Total over every text: a key without wildcards is valid too. */
export function checkBindingKey(key: string): Result<void, BindingFailure> {
  if (key.length > BINDING_KEY_CHARS_MAX) return fail({ reason: "too_long" });
  const hashes = wordsOf(key).filter((word) => word === "#").length;
  return hashes > HASH_WORDS_MAX ? fail({ reason: "too_many_hashes" }) : ok(undefined);
}

/** Compiles bindings whose keys were checked before: unchecked ones cost time, not correctness. */
export function topicIndex<T>(bindings: readonly BoundTarget<T>[]): TopicIndex<T> {
  const root = newNode<T>(false);
  const direct = new Map<string, T[]>();
  const fanout: T[] = [];
  for (const { binding, target } of bindings) {
    if (binding.kind === "topic") insert(root, wordsOf(binding.key), target);
    else if (binding.kind === "direct") append(direct, binding.key, target);
    else fanout.push(target);
  }
  return {
    match(routingKey) {
      const found = new Set([...fanout, ...(direct.get(routingKey) ?? [])]);
      for (const node of walk(root, wordsOf(routingKey)))
        for (const target of node.targets) found.add(target);
      return [...found];
    },
  };
}

interface Node<T> {
  readonly hash: boolean;
  readonly words: Map<string, Node<T>>;
  anyWord?: Node<T>;
  anyWords?: Node<T>;
  readonly targets: T[];
}

function newNode<T>(hash: boolean): Node<T> {
  return { hash, words: new Map(), targets: [] };
}

function wordsOf(key: string): readonly string[] {
  return key === "" ? [] : key.split(".");
}

function append<T>(map: Map<string, T[]>, key: string, target: T): void {
  const list = map.get(key);
  if (list) list.push(target);
  else map.set(key, [target]);
}

function insert<T>(root: Node<T>, words: readonly string[], target: T): void {
  let node = root;
  for (const word of words) node = childFor(node, word);
  node.targets.push(target);
}

function childFor<T>(node: Node<T>, word: string): Node<T> {
  if (word === "*") {
    node.anyWord ??= newNode(false);
    return node.anyWord;
  }
  if (word === "#") {
    node.anyWords ??= newNode(true);
    return node.anyWords;
  }
  const known = node.words.get(word);
  if (known) return known;
  const fresh = newNode<T>(false);
  node.words.set(word, fresh);
  return fresh;
}

/** Follows all possibilities at once, each node at most once a word. */
function walk<T>(root: Node<T>, words: readonly string[]): ReadonlySet<Node<T>> {
  let active = withEmptyRuns([root]);
  for (const word of words) {
    const next: Node<T>[] = [];
    for (const node of active) {
      const exact = node.words.get(word);
      if (exact) next.push(exact);
      if (node.anyWord) next.push(node.anyWord);
      if (node.hash) next.push(node);
    }
    active = withEmptyRuns(next);
    if (active.size === 0) break;
  }
  return active;
}

/** `#` also stands for no word at all. */
function withEmptyRuns<T>(nodes: readonly Node<T>[]): Set<Node<T>> {
  const all = new Set(nodes);
  // A set iterates over what is added to it meanwhile, so runs of `#` are followed to their end.
  for (const node of all) if (node.anyWords) all.add(node.anyWords);
  return all;
}
