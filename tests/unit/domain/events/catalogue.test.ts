/** The catalogue of the hub's own events: sound names and schemas, and the page that lists them. */
import { readFileSync } from "node:fs";
import { Validator } from "@cfworker/json-schema";
import { describe, expect, test } from "vitest";
import { HUB_EVENT_TYPES } from "../../../../domain/events/catalogue.ts";
import type { HubEventDeclaration } from "../../../../domain/events/hub-schemas.ts";
import { addVersion } from "../../../../domain/events/registry.ts";
import { EventType, EventVersion } from "../../../../schema/event.ts";

const PAGE = readFileSync("docs/events.md", "utf8");

interface ObjectSchema {
  readonly properties: Readonly<Record<string, object>>;
  readonly required: readonly string[];
}

const schemaOf = ({ versions }: HubEventDeclaration) =>
  versions[0].schema as unknown as ObjectSchema;

describe.each(HUB_EVENT_TYPES.map((type) => [type.name, type] as const))("%s", (name, type) => {
  test("is a routing key with a description, and its version may be registered", () => {
    expect(EventType.safeParse(name).success).toBe(true);
    expect(type.description).toMatch(/^[A-Z].+[^.]$/);
    const [first] = type.versions;
    expect(EventVersion.safeParse(first.version).success).toBe(true);
    const empty = { name, compatibility: type.compatibility, versions: [] };
    expect(addVersion(empty, first).ok).toBe(true);
  });

  test("its schema refuses what lacks a member and takes members of later versions", () => {
    const { properties, required } = schemaOf(type);
    expect(Object.keys(properties)).toEqual(expect.arrayContaining([...required]));
    const validator = new Validator(type.versions[0].schema as object, "2020-12");
    expect(validator.validate({}).valid).toBe(required.length === 0);
    expect(validator.validate("text").valid).toBe(false);
    expect(schemaOf(type)).not.toHaveProperty("additionalProperties");
  });
});

test("names are there once", () => {
  const names = HUB_EVENT_TYPES.map(({ name }) => name);
  expect(names.toSorted()).toEqual([...new Set(names)].toSorted());
});

test("events of the administration have no member for a person or a secret", () => {
  const admin = HUB_EVENT_TYPES.filter(({ name }) => !name.startsWith("message."));
  const forbidden = /phone|pattern|email|secret|credential|token|sender|text|note/i;
  const members = admin.flatMap((type) => Object.keys(schemaOf(type).properties));
  expect(members.filter((member) => forbidden.test(member))).toEqual([]);
});

/** One line of the page's table; members that may be missing have a `?`. */
function rowOf(type: HubEventDeclaration): string {
  const { properties, required } = schemaOf(type);
  const members = Object.keys(properties).map(
    (member) => `\`${member}\`${required.includes(member) ? "" : "?"}`,
  );
  return `| \`${type.name}\` | ${type.description} | ${members.join(", ")} |`;
}

test("docs/events.md lists exactly these, as they are", () => {
  const rows = PAGE.split("\n").filter((line) => /^\| `[a-z_]+\.[a-z_.]+` \|/.test(line));
  expect(rows).toEqual(HUB_EVENT_TYPES.map(rowOf));
});
