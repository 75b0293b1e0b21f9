/** What one expression may cost. The longest text of one is in `schema/workflow-value.ts`. */

/** Nodes of one expression's tree. */
export const AST_NODES_MAX = 500;
/** Nested parentheses, members and calls of one expression. */
export const AST_DEPTH_MAX = 50;
/** Elements of one list or map that is written out, and arguments of one call. */
export const LITERAL_ENTRIES_MAX = 200;
/**
 * Units of work of one evaluation: one for every node that is evaluated, and for every 8 characters or one element that an
 * operation reads or makes. Measured at 25 to 50 ms on one core of 2024.
 */
export const EVALUATION_COST_MAX = 200_000;
/** Characters read or made that cost one unit. */
export const CHARS_PER_UNIT = 8;
/** Longest text that an expression may make, in characters. */
export const TEXT_CHARS_MAX = 262_144;
/** Characters of a result, written as JSON: a step's result may have 1 MiB, this leaves room for four. */
export const RESULT_CHARS_MAX = 262_144;
/** Values in one result. */
export const RESULT_VALUES_MAX = 20_000;
/** Levels of lists and maps in one result, in one mapping, and in two values that are compared. */
export const VALUE_DEPTH_MAX = 64;
/** Expressions within one mapping. */
export const MAPPING_EXPRESSIONS_MAX = 500;
/** Parsed expressions that are kept; the oldest goes. */
export const PARSED_MAX = 500;
/** Compiled patterns of `matches()` that are kept; the oldest goes. */
export const PATTERNS_MAX = 100;
/** Longest text that `matches()` reads, in characters. */
export const MATCHED_TEXT_CHARS_MAX = 4000;
