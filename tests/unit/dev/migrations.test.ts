import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { integer, sqliteTable, text } from "drizzle-orm/sqlite-core";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { splitStatements } from "../../../dev/migrate.ts";
import {
  applyInMemory,
  driftFaults,
  journalFaults,
  keyedFaults,
  strayFaults,
} from "../../../dev/migration-faults.ts";

const ROOT = join(import.meta.dirname, "../../..");
const MIGRATIONS = join(ROOT, "migrations");

const note = sqliteTable("note", {
  tenantId: text("tenant_id").notNull(),
  rank: integer("rank").notNull().default(0),
});

describe("keyed tables", () => {
  test.each([
    ["agrees", "rank INTEGER NOT NULL DEFAULT 0", "WITHOUT ROWID", []],
    ["lacks WITHOUT ROWID", "rank INTEGER NOT NULL DEFAULT 0", "", ["note is not WITHOUT ROWID"]],
    [
      "differs in a default",
      "rank INTEGER NOT NULL DEFAULT 1",
      "WITHOUT ROWID",
      [
        "note has (tenant_id text not null, rank integer not null default 1), schema/tables says (tenant_id text not null, rank integer not null default 0)",
      ],
    ],
  ])("SQL that %s", (_, column, suffix, faults) => {
    const db = new DatabaseSync(":memory:");
    db.exec(
      `CREATE TABLE note (tenant_id TEXT NOT NULL, ${column}, PRIMARY KEY (tenant_id)) ${suffix}`,
    );
    expect(keyedFaults(db, [note])).toEqual(faults);
  });

  test("every slot behind a view is checked", () => {
    const db = new DatabaseSync(":memory:");
    db.exec(
      "CREATE TABLE note_0 (tenant_id TEXT PRIMARY KEY NOT NULL, rank INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID",
    );
    db.exec("CREATE TABLE note_1 (tenant_id TEXT PRIMARY KEY NOT NULL) WITHOUT ROWID");
    db.exec("CREATE VIEW note AS SELECT * FROM note_0");
    expect(keyedFaults(db, [note])).toEqual([expect.stringContaining("note_1 has (")]);
  });

  test("a table without SQL and SQL without a table are faults", () => {
    const db = new DatabaseSync(":memory:");
    expect(keyedFaults(db, [note])).toEqual(["keyed table note is in no migration"]);
    db.exec("CREATE TABLE other (id TEXT)");
    expect(strayFaults(db, [note])).toEqual([
      "other is in the migrations and not in schema/tables",
    ]);
  });
});

describe("the journal", () => {
  let copy: string;
  beforeEach(() => {
    copy = mkdtempSync(join(tmpdir(), "omni-edge-test-"));
    cpSync(MIGRATIONS, copy, { recursive: true });
  });
  afterEach(() => rmSync(copy, { recursive: true }));

  test("is consistent, and its files apply", () => {
    expect(journalFaults(copy)).toEqual([]);
    const db = new DatabaseSync(":memory:");
    applyInMemory(db, copy);
    expect(db.prepare("SELECT count(*) AS n FROM messages").get()).toEqual({ n: 0 });
  });

  test("names a file it does not know and one that is gone", () => {
    writeFileSync(join(copy, "9999_stray.sql"), "SELECT 1");
    rmSync(join(copy, "0000_init.sql"));
    expect(journalFaults(copy)).toEqual([
      "9999_stray.sql is not in the journal",
      "0000_init.sql has no file",
    ]);
  });

  test("notices times that do not rise", () => {
    const path = join(copy, "meta/_journal.json");
    writeFileSync(path, readFileSync(path, "utf8").replace(/"when": \d+/g, '"when": 5'));
    expect(journalFaults(copy)[0]).toBe("0001_keyed is not later than the migration before it");
  });
});

test("a table in code without a migration is drift", { timeout: 30_000 }, () => {
  const copy = mkdtempSync(join(tmpdir(), "omni-edge-test-"));
  cpSync(MIGRATIONS, join(copy, "migrations"), { recursive: true });
  cpSync(join(ROOT, "schema"), join(copy, "schema"), { recursive: true });
  symlinkSync(join(ROOT, "node_modules"), join(copy, "node_modules"));
  writeFileSync(
    join(copy, "schema/tables/late.ts"),
    'import { sqliteTable, text } from "drizzle-orm/sqlite-core";\nexport const late = sqliteTable("late", { id: text("id") });\n',
  );
  expect(driftFaults(copy)).toEqual([
    expect.stringMatching(/^drizzle-kit finds changes without a migration: \d{4}_\w+\.sql$/),
  ]);
  rmSync(copy, { recursive: true });
});

test("statements are split at drizzle's mark and trimmed", () => {
  expect(splitStatements("A;--> statement-breakpoint\n B;\n--> statement-breakpoint\n")).toEqual([
    "A;",
    "B;",
  ]);
});
