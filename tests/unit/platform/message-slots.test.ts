import { readFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { SLOT_COUNT } from "../../../domain/messaging/message-id.ts";
import { messageSlotSql } from "../../../platform/repositories/message-slots.ts";

const MIGRATION = readFileSync("migrations/0001_keyed.sql", "utf8");

function migrated(): DatabaseSync {
  const db = new DatabaseSync(":memory:");
  db.exec(MIGRATION.replaceAll("--> statement-breakpoint", ""));
  return db;
}

function schemaOf(db: DatabaseSync): readonly string[] {
  const rows = db
    .prepare("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name")
    .all();
  return rows.map((row) => String(row.sql).replace(/\s+/g, " "));
}

test("a slot made anew is exactly the slot of the migration", () => {
  for (let slot = 0; slot < SLOT_COUNT; slot++) {
    const db = migrated();
    for (const sql of messageSlotSql(slot, SLOT_COUNT)) db.exec(sql);
    expect(schemaOf(db)).toEqual(schemaOf(migrated()));
  }
});

test("making a slot anew empties that slot and no other", () => {
  const db = migrated();
  for (const slot of [0, 1, 2]) {
    db.exec(
      `INSERT INTO messages_${slot} (tenant_id, id, conversation_id, connection_id, source, direction, kind, content, metadata, created_at) VALUES ('t', 'm${slot}', 'c', 'x', 's', 'inbound', 'message', '{}', '{}', 0)`,
    );
  }
  for (const sql of messageSlotSql(1, SLOT_COUNT)) db.exec(sql);
  expect(
    db
      .prepare("SELECT id FROM messages ORDER BY id")
      .all()
      .map((row) => row.id),
  ).toEqual(["m0", "m2"]);
});

test("the hot tables have no hidden row id: a write is one billed row", () => {
  const tables = migrated()
    .prepare("SELECT name, sql FROM sqlite_master WHERE type = 'table'")
    .all();
  expect(
    tables
      .filter((table) => !String(table.sql).endsWith("WITHOUT ROWID"))
      .map((table) => table.name),
  ).toEqual([]);
  expect(tables.length).toBe(7);
});
