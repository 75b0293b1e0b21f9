/**
 * What can be wrong between `schema/tables/` and `migrations/`, each as one sentence per fault. Keyed
 * tables are `WITHOUT ROWID`, which drizzle-kit cannot write, so their SQL is held against the columns here.
 */
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { getTableColumns, getTableName } from "drizzle-orm";
import type { SQLiteColumn, SQLiteTable } from "drizzle-orm/sqlite-core";
import { migrationFiles, splitStatements } from "./migrate.ts";

/** A table behind a view of slots is named like the view with a number: `messages_0`. */
const SLOT_SUFFIX = /_\d+$/;
const WITHOUT_ROWID = /\)\s*WITHOUT\s+ROWID\s*$/i;

interface JournalEntry {
  readonly idx: number;
  readonly when: number;
  readonly tag: string;
}

interface StoredTable {
  readonly name: string;
  readonly type: "table" | "view";
  readonly sql: string;
}

/** Applies every migration file. Throws SQLite's error on bad SQL. */
export function applyInMemory(db: DatabaseSync, folder: string): void {
  for (const name of migrationFiles(folder)) {
    for (const statement of splitStatements(readFileSync(join(folder, name), "utf8"))) {
      db.exec(statement);
    }
  }
}

/** Journal against files: same names in the same order, rising times, one snapshot each. */
export function journalFaults(folder: string): string[] {
  const journal = JSON.parse(readFileSync(join(folder, "meta/_journal.json"), "utf8")) as {
    entries: JournalEntry[];
  };
  const listed = journal.entries.map((entry) => `${entry.tag}.sql`);
  const files = migrationFiles(folder);
  const faults = [
    ...files
      .filter((name) => !listed.includes(name))
      .map((name) => `${name} is not in the journal`),
    ...listed.filter((name) => !files.includes(name)).map((name) => `${name} has no file`),
  ];
  journal.entries.forEach((entry, index) => {
    const number = String(index).padStart(4, "0");
    if (entry.idx !== index || !entry.tag.startsWith(`${number}_`)) {
      faults.push(`journal entry ${index} is ${entry.idx} ${entry.tag}`);
    }
    if (entry.when <= (journal.entries[index - 1]?.when ?? 0)) {
      faults.push(`${entry.tag} is not later than the migration before it`);
    }
    if (!existsSync(join(folder, `meta/${number}_snapshot.json`))) {
      faults.push(`${entry.tag} has no snapshot`);
    }
  });
  return faults;
}

/** Columns and storage of the keyed tables; a view must have the columns too, as must every slot behind it. */
export function keyedFaults(db: DatabaseSync, tables: readonly SQLiteTable[]): string[] {
  const stored = storedTables(db);
  return tables.flatMap((table) => {
    const name = getTableName(table);
    const own = stored.find((candidate) => candidate.name === name);
    if (!own) {
      return [`keyed table ${name} is in no migration`];
    }
    const slots = stored.filter((candidate) => candidate.name.replace(SLOT_SUFFIX, "") === name);
    const bases = own.type === "table" ? [own] : slots.filter((slot) => slot !== own);
    return [
      ...(bases.length === 0 ? [`view ${name} has no slots`] : []),
      ...bases
        .filter((base) => !WITHOUT_ROWID.test(base.sql))
        .map((base) => `${base.name} is not WITHOUT ROWID`),
      ...bases.flatMap((base) => columnFaults(db, base.name, table, describe)),
      ...(own.type === "view" ? columnFaults(db, name, table, nameAndType) : []),
    ];
  });
}

/** Tables in the migrations that no module of `schema/tables/` names. */
export function strayFaults(db: DatabaseSync, tables: readonly SQLiteTable[]): string[] {
  const known = new Set(tables.map((table) => getTableName(table)));
  return storedTables(db)
    .filter(({ name }) => !known.has(name) && !known.has(name.replace(SLOT_SUFFIX, "")))
    .map(({ name }) => `${name} is in the migrations and not in schema/tables`);
}

/** `drizzle-kit generate` on a copy of the migrations must add nothing. */
export function driftFaults(root: string): string[] {
  const copy = mkdtempSync(join(tmpdir(), "omni-edge-migrations-"));
  try {
    cpSync(join(root, "migrations"), copy, { recursive: true });
    const before = readdirSync(copy);
    const run = spawnSync(
      process.execPath,
      [
        join(root, "node_modules/drizzle-kit/bin.cjs"),
        "generate",
        "--dialect=sqlite",
        "--schema=./schema/tables/*.ts",
        // drizzle-kit reads `out` as relative to the working directory, even an absolute path.
        `--out=${relative(root, copy)}`,
      ],
      { cwd: root, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] },
    );
    if (run.status !== 0 || !run.stdout.includes("No schema changes")) {
      const added = readdirSync(copy).filter((name) => !before.includes(name));
      return [
        `drizzle-kit finds changes without a migration: ${added.join(", ") || run.stderr || run.stdout}`,
      ];
    }
    return [];
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

function storedTables(db: DatabaseSync): StoredTable[] {
  return db
    .prepare(
      "SELECT name, type, sql FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite_%'",
    )
    .all() as unknown as StoredTable[];
}

interface StoredColumn {
  readonly name: string;
  readonly type: string;
  readonly notnull: number;
  readonly dflt_value: string | null;
}

function columnFaults(
  db: DatabaseSync,
  storedName: string,
  table: SQLiteTable,
  say: (column: StoredColumn) => string,
): string[] {
  const rows = db.prepare(`PRAGMA table_info("${storedName}")`).all() as unknown as StoredColumn[];
  const inSql = rows.map(say);
  const inCode = Object.values(getTableColumns(table)).map((column) => say(asStored(column)));
  return inSql.join(", ") === inCode.join(", ")
    ? []
    : [`${storedName} has (${inSql.join(", ")}), schema/tables says (${inCode.join(", ")})`];
}

function describe(column: StoredColumn): string {
  const notNull = column.notnull ? " not null" : "";
  return `${nameAndType(column)}${notNull}${column.dflt_value === null ? "" : ` default ${column.dflt_value}`}`;
}

function nameAndType(column: StoredColumn): string {
  return `${column.name} ${column.type.toLowerCase()}`;
}

function asStored(column: SQLiteColumn): StoredColumn {
  const fallback = column.default;
  const quoted = typeof fallback === "string" ? `'${fallback}'` : String(Number(fallback));
  return {
    name: column.name,
    type: column.getSQLType(),
    notnull: column.notNull ? 1 : 0,
    dflt_value: column.hasDefault && fallback !== undefined ? quoted : null,
  };
}
