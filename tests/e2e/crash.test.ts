import { spawn } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ROOT } from "../../dev/runtime.ts";

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly report: Record<string, number> & { readonly events?: Record<string, number> };
}

/** Runs `npm run crash` to its end; the last line it prints is its report. */
function crash(...args: readonly string[]): Promise<Ended> {
  const child = spawn(process.execPath, [join(ROOT, "dev/crash.ts"), ...args], {
    cwd: ROOT,
    stdio: ["ignore", "pipe", "inherit"],
  });
  let out = "";
  child.stdout.on("data", (chunk) => {
    out += chunk;
  });
  return new Promise((resolve) => {
    child.once("exit", (code) => {
      const last = out.trim().split("\n").at(-1) ?? "{}";
      resolve({ code, out, report: JSON.parse(last) as Record<string, number> });
    });
  });
}

test("killed at random moments, with platforms that fail, each message is answered once, and every event arrives in order", {
  timeout: 240_000,
}, async () => {
  const { code, out, report } = await crash(
    ...["--seed", "20261121", "--seconds", "12", "--messages", "480", "--kills", "6"],
  );
  expect(report, out).toMatchObject({
    sent: 480,
    acked: 480,
    lost: 0,
    duplicated: 0,
    inversions: 0,
    stuck: 0,
    foreign: 0,
    kills: 6,
    faults: 24,
    events: { owed: 480, received: 480, missing: 0, doubled: 0, inversions: 0, foreign: 0 },
  });
  const excused = (report.uncertain ?? 0) + (report.deadLetters ?? 0);
  expect((report.replies ?? 0) + excused).toBeGreaterThanOrEqual(480);
  expect(code).toBe(0);
});

test("with its own database, store, queues and objects failing as well, nothing is lost either", {
  timeout: 240_000,
}, async () => {
  const { code, out, report } = await crash(
    ...["--seed", "8", "--seconds", "12", "--messages", "360", "--kills", "2", "--bindings"],
  );
  expect(report, out).toMatchObject({
    lost: 0,
    duplicated: 0,
    inversions: 0,
    stuck: 0,
    foreign: 0,
  });
  expect(report.events).toMatchObject({ missing: 0, doubled: 0, inversions: 0, foreign: 0 });
  expect(report.acked).toBeGreaterThan(200);
  expect(report.injected).toBeGreaterThan(20);
  expect(code).toBe(0);
});

/** The run must be able to fail: with one guarantee broken on purpose, it has to say which. */
test.each([
  ["dedup", "duplicated"],
  ["order", "inversions"],
  ["durability", "lost"],
  ["isolation", "foreign"],
])("with %s broken, it fails by %s", { timeout: 240_000 }, async (guarantee, counter) => {
  const { code, out, report } = await crash(
    ...["--seed", "5", "--seconds", "8", "--messages", "300", "--kills", "4", "--faults", "0"],
    ...["--no-events", "--break", guarantee],
  );
  expect(report[counter], out).toBeGreaterThan(0);
  expect(code).toBe(1);
});
