import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { measureSize } from "../../../bench/size.ts";

const folder = mkdtempSync(join(tmpdir(), "omni-edge-test-"));
afterAll(() => rmSync(folder, { recursive: true }));

test("what is imported lazily is no part of the start, what both need is", async () => {
  const text = (name: string) => `export const ${name} = "${name.repeat(200)}";\n`;
  writeFileSync(join(folder, "early.ts"), text("early"));
  writeFileSync(join(folder, "shared.ts"), text("shared"));
  writeFileSync(join(folder, "late.ts"), `export { shared } from "./shared.ts";\n${text("late")}`);
  writeFileSync(
    join(folder, "entry.ts"),
    'import { early } from "./early.ts";\nimport { shared } from "./shared.ts";\nexport const show = () => [early, shared];\nexport const later = () => import("./late.ts");\n',
  );
  const size = await measureSize(join(folder, "entry.ts"));
  const names = size.startModules.map((module) => module.path.split("/").at(-1));
  expect(names.toSorted()).toEqual(["early.ts", "entry.ts", "shared.ts"]);
  expect(size.minified - size.startMinified).toBeGreaterThan(600);
  expect(size.startGzipped).toBeLessThan(size.startMinified);
  expect(Object.keys(size.ackByChannel).toSorted()).toEqual(["discord", "slack", "whatsapp"]);
  for (const { gzipped } of Object.values(size.ackByChannel)) {
    expect(gzipped).toBeGreaterThan(size.entryGzipped);
    expect(gzipped).toBeLessThanOrEqual(size.ackGzipped);
  }
});
