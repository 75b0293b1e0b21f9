/**
 * `npm run db:check`: the tables in code, the SQL in `migrations/` and its journal say the same. Changes
 * nothing: drizzle-kit works on a copy, and the SQL is applied to a database in memory.
 */
import { readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { is } from "drizzle-orm";
import { SQLiteTable } from "drizzle-orm/sqlite-core";
import {
  applyInMemory,
  driftFaults,
  journalFaults,
  keyedFaults,
  strayFaults,
} from "./migration-faults.ts";

const ROOT = resolve(import.meta.dirname, "..");
const MIGRATIONS = join(ROOT, "migrations");
const TABLES = join(ROOT, "schema/tables");

const keyed = await tablesOf(join(TABLES, "keyed"));
const ordinary = await tablesOf(TABLES);
const db = new DatabaseSync(":memory:");
applyInMemory(db, MIGRATIONS);

const faults = [
  ...journalFaults(MIGRATIONS),
  ...keyedFaults(db, keyed),
  ...strayFaults(db, [...ordinary, ...keyed]),
  ...driftFaults(ROOT),
];
for (const fault of faults) {
  console.error(`✗ ${fault}`);
}
if (faults.length > 0) {
  process.exit(1);
}
console.log(`migrations: ${ordinary.length} ordinary and ${keyed.length} keyed tables agree`);

/** The tables which the modules of a folder (not of its subfolders) export. */
async function tablesOf(folder: string): Promise<SQLiteTable[]> {
  const files = readdirSync(folder).filter((name) => name.endsWith(".ts"));
  const modules = await Promise.all(
    files.map((name): Promise<Record<string, unknown>> => import(join(folder, name))),
  );
  return modules
    .flatMap((module) => Object.values(module))
    .filter((value): value is SQLiteTable => is(value, SQLiteTable));
}
