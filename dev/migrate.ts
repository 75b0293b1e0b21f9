/**
 * Applies `migrations/*.sql` to a local D1, in the order of their names and each in one transaction.
 * Keeps the same `d1_migrations` table as `wrangler d1 migrations apply`, so both can be used on one database.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** What this needs of a D1 binding: Miniflare's proxy and workers-types' own type both have it. */
export interface MigrationDatabase {
  prepare(sql: string): MigrationStatement;
  batch(statements: MigrationStatement[]): Promise<unknown>;
}
interface MigrationStatement {
  bind(...values: unknown[]): MigrationStatement;
  run(): Promise<unknown>;
  all(): Promise<{ results: Record<string, unknown>[] }>;
}

const STATEMENT_BREAK = "--> statement-breakpoint";
const MIGRATIONS_TABLE_SQL = `CREATE TABLE IF NOT EXISTS d1_migrations(
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  name TEXT UNIQUE,
  applied_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP NOT NULL
)`;

/** Applies what is not applied yet; returns the names applied now. Throws with the file's name on bad SQL. */
export async function applyMigrations(db: MigrationDatabase, folder: string): Promise<string[]> {
  await db.prepare(MIGRATIONS_TABLE_SQL).run();
  const { results } = await db.prepare("SELECT name FROM d1_migrations").all();
  const applied = new Set(results.map((row) => row.name));
  const due = migrationFiles(folder).filter((name) => !applied.has(name));
  for (const name of due) {
    await applyOne(db, folder, name);
  }
  return due;
}

/** Names of the SQL files of a folder, in the order in which they apply. */
export function migrationFiles(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith(".sql"))
    .sort();
}

/** The statements of one migration file. */
export function splitStatements(sql: string): string[] {
  return sql
    .split(STATEMENT_BREAK)
    .map((statement) => statement.trim())
    .filter((statement) => statement !== "");
}

async function applyOne(db: MigrationDatabase, folder: string, name: string): Promise<void> {
  const statements = splitStatements(readFileSync(join(folder, name), "utf8"));
  const note = db.prepare("INSERT INTO d1_migrations (name) VALUES (?)").bind(name);
  try {
    await db.batch([...statements.map((sql) => db.prepare(sql)), note]);
  } catch (cause) {
    throw new Error(`migration ${name} failed: ${String(cause)}`, { cause });
  }
}
