/**
 * Looks into Discord's trees of components: the label of a clicked button, the fields of a modal, and the rows of
 * buttons of a card. Trees from outside are walked to a fixed depth and size.
 */
import type { OutboundContent } from "../../schema/outbound.ts";
import { wellFormed } from "../shared/text.ts";
import { BUTTONS_PER_ROW } from "./facts.ts";

/** "Component reference": containers in rows or sections; 40 components per message. */
const DEPTH_MAX = 5;
const COMPONENTS_MAX = 100;

const ACTION_ROW = 1;
const BUTTON = 2;
/** Button styles: 1 primary, 5 link. */
const PRIMARY = 1;
const LINK = 5;

type Button = Extract<OutboundContent, { type: "card" }>["buttons"][number];
type Node = { readonly [key: string]: unknown };

export interface Field {
  readonly id: string;
  readonly value: string;
}

/** The label of the component with this custom id, or "". */
export function labelOf(components: unknown, customId: string): string {
  const node = walk(components).find((candidate) => candidate.custom_id === customId);
  const label = node?.label;
  return typeof label === "string" ? wellFormed(label) : "";
}

/** Every filled field of a submitted modal, in order; a selection counts as its joined values. */
export function fieldsOf(components: unknown): Field[] {
  return walk(components).flatMap((node) => {
    const { custom_id: id, value, values } = node;
    const text = Array.isArray(values)
      ? values.filter((v) => typeof v === "string").join(", ")
      : value;
    if (typeof id !== "string" || typeof text !== "string") return [];
    return [{ id: wellFormed(id), value: wellFormed(text) }];
  });
}

/** Rows of at most five buttons; one with a URL opens it, the others come back as interactions. */
export function buttonRows(buttons: readonly Button[]): unknown[] {
  const rows: unknown[] = [];
  for (let i = 0; i < buttons.length; i += BUTTONS_PER_ROW) {
    const components = buttons.slice(i, i + BUTTONS_PER_ROW).map(buttonOf);
    rows.push({ type: ACTION_ROW, components });
  }
  return rows;
}

function buttonOf(button: Button): unknown {
  return button.url === undefined
    ? { type: BUTTON, style: PRIMARY, label: button.label, custom_id: button.id }
    : { type: BUTTON, style: LINK, label: button.label, url: button.url };
}

/** All nodes below, outermost first, in document order. */
function walk(components: unknown, depth = 0): Node[] {
  if (depth > DEPTH_MAX || !Array.isArray(components)) return [];
  const nodes: Node[] = [];
  for (const candidate of components.slice(0, COMPONENTS_MAX)) {
    if (!isNode(candidate)) continue;
    nodes.push(candidate, ...walk(candidate.components, depth + 1));
    for (const single of [candidate.component, candidate.accessory]) {
      if (isNode(single)) nodes.push(...walk([single], depth + 1));
    }
  }
  return nodes.slice(0, COMPONENTS_MAX);
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
