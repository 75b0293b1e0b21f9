/**
 * The slots behind the views of what grows with traffic: a slot whose time is over is dropped and made anew. What
 * it is made of is read from the database itself, so that the migrations are the only place that says it.
 */

/** A view of slots, and where the age of its newest row stands, in ms. */
export interface SlottedView {
  readonly view: "messages" | "events" | "delivery_attempts";
  readonly age: "created_at" | "seq";
}

export const SLOTTED_VIEWS: readonly SlottedView[] = [
  { view: "messages", age: "created_at" },
  { view: "events", age: "seq" },
  { view: "delivery_attempts", age: "created_at" },
];

/** When the newest row of a slot was written; undefined where it is empty. */
export async function newestInSlot(
  db: D1Database,
  { view, age }: SlottedView,
  slot: number,
): Promise<number | undefined> {
  const row = await db
    .prepare(`SELECT max(${age}) AS at FROM ${view}_${slot}`)
    .first<{ at: number | null }>();
  return row?.at ?? undefined;
}

/** A row of `sqlite_master`. */
export interface SchemaRow {
  readonly type: string;
  readonly name: string;
  readonly sql: string;
}

/** How the parts of a slot and its view were made. */
export async function slotSchema(
  db: D1Database,
  view: string,
  slot: number,
): Promise<readonly SchemaRow[]> {
  const { results } = await db.prepare(SLOT_SCHEMA).bind(view, `${view}_${slot}`).all<SchemaRow>();
  return results;
}

export const SLOT_SCHEMA =
  "SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL AND (name = ?1 OR tbl_name = ?2)";

/** Statements that empty a slot by dropping and making it anew; the view is made anew around it. */
export function renewSlotSql(schema: readonly SchemaRow[]): readonly string[] {
  const of = (type: string) => schema.filter((row) => row.type === type);
  return [
    ...of("view").map(({ name }) => `DROP VIEW ${name}`),
    ...of("table").map(({ name }) => `DROP TABLE ${name}`),
    ...["table", "index", "view"].flatMap((type) => of(type).map(({ sql }) => sql)),
  ];
}
