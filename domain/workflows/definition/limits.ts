/** What a definition's document may be. Limits of single fields are in `schema/workflow*.ts`. */

/** Longest text of one definition, in characters: 200 steps of 650. */
export const DEFINITION_CHARS_MAX = 131_072;
/** Values in one definition once its aliases are written out. */
export const DEFINITION_VALUES_MAX = 20_000;
/** Levels of lists and maps in one definition. */
export const DEFINITION_DEPTH_MAX = 64;
/** Aliases of one YAML text. */
export const ALIASES_MAX = 100;
/** Faults that are told; of more it is only said that there are more. */
export const FAULTS_MAX = 100;
