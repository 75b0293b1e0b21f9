/**
 * The shapes between reading Markdown and writing a dialect: blocks with inline runs in, lines of atoms
 * out. Data only. Marks are flat (a run carries the list of marks around it), so that a text can be cut
 * anywhere and each part opens and closes its own marks.
 */

/** Emphasis around a run, outermost first in every list of marks. */
export type Mark = "bold" | "italic" | "strike";

/** A stretch of inline content. `break` ends a line; `link` and `image` carry an address in `href`. */
export interface Run {
  readonly kind: "text" | "code" | "link" | "image" | "break";
  /** Visible words, unescaped: the label of a link, the alternative text of an image. */
  readonly text: string;
  readonly href: string;
  readonly marks: readonly Mark[];
}

export interface ListItem {
  /** A blank line stood before it. */
  readonly gap: boolean;
  /** The number of an ordered item; undefined = bullet. */
  readonly ordinal: number | undefined;
  /** `[x]` or `[ ]`; undefined = not a task. */
  readonly done: boolean | undefined;
  readonly blocks: readonly Block[];
}

export type BlockContent =
  | { readonly kind: "paragraph"; readonly runs: readonly Run[] }
  | { readonly kind: "heading"; readonly level: number; readonly runs: readonly Run[] }
  | { readonly kind: "code"; readonly language: string; readonly lines: readonly string[] }
  | { readonly kind: "quote"; readonly blocks: readonly Block[] }
  | { readonly kind: "list"; readonly items: readonly ListItem[] }
  | {
      readonly kind: "table";
      readonly header: readonly Cell[];
      readonly rows: readonly (readonly Cell[])[];
    }
  | { readonly kind: "rule" };

export type Cell = readonly Run[];

/** `gap`: a blank line stood before the block in the source; the writers keep it. */
export type Block = BlockContent & { readonly gap: boolean };

/** The smallest thing the splitter moves as a whole: a word, a link, a code span; already escaped. */
export interface Atom {
  readonly text: string;
  /** White space before it on its line; dropped where a part begins. */
  readonly space: string;
  /** Marks that span the white space too. */
  readonly spaceMarks: readonly Mark[];
  readonly marks: readonly Mark[];
  /** What may be cut, and into which wrapping, when the atom alone is longer than a part. */
  readonly whenTooLong?: { readonly text: string; readonly open: string; readonly close: string };
}

export interface Line {
  /** A blank line stands before it: a paragraph starts here. */
  readonly gap: boolean;
  /** A cut before this line is as good as one between paragraphs. */
  readonly paragraph: boolean;
  /** Number of the quote it belongs to; 0 = none. */
  readonly quote: number;
  /** Number and language of the fence it belongs to. */
  readonly fence: { readonly id: number; readonly language: string } | undefined;
  /** Before the first atom: a list marker with its indentation, a heading's signs. */
  readonly lead: string;
  /** Stands for `lead` where a part begins within the line. */
  readonly hang: string;
  readonly atoms: readonly Atom[];
}
