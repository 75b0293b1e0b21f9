/**
 * Bundles a Worker the way a deploy does: one ES module, workerd's package conditions, the runtime's own
 * modules left out. Used by the development hub, the crash test and the benchmarks; it writes no file.
 */
import { type BuildOptions, build, type Metafile } from "esbuild";

/** Options every bundle shares; `bench/size.ts` adds minification and splitting. */
export const WORKER_BUILD = {
  bundle: true,
  format: "esm",
  platform: "neutral",
  mainFields: ["module", "main"],
  target: "es2024",
  conditions: ["workerd", "worker", "browser"],
  external: ["cloudflare:*", "node:*"],
  loader: { ".txt": "text", ".html": "text", ".sql": "text", ".bin": "binary" },
  define: { "process.env.NODE_ENV": '"production"' },
  logLevel: "silent",
  metafile: true,
  write: false,
} as const satisfies BuildOptions;

export interface WorkerBundle {
  readonly code: string;
  readonly metafile: Metafile;
}

/** Bundles `entry` (a path) to one module with an inline source map. Throws esbuild's report on a bad import. */
export async function bundleWorker(entry: string): Promise<WorkerBundle> {
  const result = await build({
    ...WORKER_BUILD,
    loader: { ...WORKER_BUILD.loader },
    conditions: [...WORKER_BUILD.conditions],
    external: [...WORKER_BUILD.external],
    mainFields: [...WORKER_BUILD.mainFields],
    entryPoints: [entry],
    outfile: "hub.mjs",
    sourcemap: "inline",
  });
  const output = result.outputFiles?.[0];
  if (!output || !result.metafile) {
    throw new Error(`esbuild made nothing of ${entry}`);
  }
  return { code: output.text, metafile: result.metafile };
}
