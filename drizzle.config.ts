import { defineConfig } from "drizzle-kit";

/** Only ordinary tables: the keyed, `WITHOUT ROWID` ones live in `schema/tables/keyed/` and are written with `--custom`. */
export default defineConfig({
  dialect: "sqlite",
  schema: "./schema/tables/*.ts",
  out: "./migrations",
});
