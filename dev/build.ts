/** What `wrangler` uploads: the hub as modules and their source maps in `dist`, all of it new. `wrangler.toml` runs this. */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { bundleWorker } from "./bundle.ts";
import { HUB, ROOT } from "./runtime.ts";

const OUT = join(ROOT, "dist");

const { modules, maps } = await bundleWorker(HUB, { sourcemap: "linked" });
rmSync(OUT, { recursive: true, force: true });
for (const { path, code } of [...modules, ...maps]) {
  const file = join(OUT, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, code);
}
