import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { measureSize } from "../../../bench/size.ts";
import { HUB, ROOT } from "../../../dev/runtime.ts";

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
  const names = size.start.sources.map((source) => source.path.split("/").at(-1));
  expect(names.toSorted()).toEqual(["early.ts", "entry.ts", "shared.ts"]);
  expect(size.minified - size.start.minified).toBeGreaterThan(600);
  expect(size.start.gzipped).toBeLessThan(size.start.minified);
});

test("a channel's way holds the start and its receiver, the largest counts", async () => {
  const receivers = ["whatsapp", "slack"].map((channel) => join(ROOT, `channels/${channel}`));
  const lazy = receivers.map((path) => `import(${JSON.stringify(`${path}/receiver.ts`)})`);
  writeFileSync(join(folder, "door.ts"), `export const later = () => [${lazy.join(", ")}];\n`);
  const { start, ack, ackByChannel } = await measureSize(join(folder, "door.ts"));
  const { whatsapp, slack, discord } = ackByChannel;
  expect(whatsapp.sources.some(({ path }) => path.endsWith("whatsapp/verify.ts"))).toBe(true);
  expect(slack.sources.some(({ path }) => path.endsWith("slack/verify.ts"))).toBe(true);
  expect(discord.gzipped).toBe(start.gzipped);
  expect(ack.gzipped).toBe(Math.max(whatsapp.gzipped, slack.gzipped));
});

test("no package is loaded before a webhook is acknowledged", async () => {
  const { ackByChannel } = await measureSize(HUB);
  const packages = Object.values(ackByChannel)
    .flatMap(({ sources }) => sources.map(({ path }) => path))
    .filter((path) => path.includes("node_modules"));
  expect(packages).toEqual([]);
});
