/** Where scheduled jobs left off. One row per job (and tenant, where the job goes tenant by tenant). */
import { integer, sqliteTable, text } from "drizzle-orm/sqlite-core";

export const jobs = sqliteTable("jobs", {
  name: text("name").primaryKey(),
  /** Job-specific: for `archive:<tenant>` the first hour (ms since the epoch) not yet archived. */
  value: integer("value").notNull(),
  updatedAt: integer("updated_at").notNull(),
});
