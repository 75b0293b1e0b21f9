/**
 * Bundles a Worker the way it is deployed: small ES modules, one for what every isolate starts with and one for each
 * part that is loaded on first use, workerd's package conditions, the runtime's own modules left out. Used by the
 * build that `wrangler` runs, the development hub, the crash test and the benchmarks; it writes no file.
 */
import { relative, resolve } from "node:path";
import { type BuildOptions, build, type Metafile, type Plugin } from "esbuild";

export interface WorkerModule {
  /** As the others import it, relative to the entry's folder. */
  readonly path: string;
  readonly code: string;
}

export interface WorkerBundle {
  /** The entry first. */
  readonly modules: readonly [WorkerModule, ...WorkerModule[]];
  /** Source maps, where they are files of their own. */
  readonly maps: readonly WorkerModule[];
  /** Its outputs are named like the modules. */
  readonly metafile: Metafile;
}

/** `inline`: in the modules; `linked`: beside them; absent: none. */
type SourceMaps = "inline" | "linked";

interface BundleOptions {
  readonly sourcemap?: SourceMaps;
  /** False: one module with everything in it. Default true. */
  readonly splitting?: boolean;
}

/** How code is made for workerd, whoever makes it. */
export const FOR_WORKERD: BuildOptions = {
  bundle: true,
  format: "esm",
  platform: "neutral",
  mainFields: ["module", "main"],
  target: "es2024",
  conditions: ["workerd", "worker", "browser"],
  external: ["cloudflare:*", "node:*"],
  define: { "process.env.NODE_ENV": '"production"' },
  logLevel: "silent",
};

/** Never written to: modules are named relative to it. */
const OUT = resolve("dist");
const ENTRY = "hub";

/** The validator brings its messages in 50 languages along, a third of all code; the hub speaks one. */
const ONE_LANGUAGE: Plugin = {
  name: "one-language",
  setup: ({ onLoad }) => {
    onLoad({ filter: /\/zod\/v4\/locales\/index\.js$/ }, () => ({
      contents: 'export { default as en } from "./en.js";',
    }));
  },
};

/** Bundles `entry` (a path) to modules. Throws esbuild's report on a bad import. */
export async function bundleWorker(
  entry: string,
  { sourcemap, splitting = true }: BundleOptions = {},
): Promise<WorkerBundle> {
  const { outputFiles, metafile } = await build({
    ...FOR_WORKERD,
    minify: true,
    splitting,
    loader: { ".txt": "text", ".html": "text", ".sql": "text", ".bin": "binary" },
    metafile: true,
    plugins: [ONE_LANGUAGE],
    write: false,
    entryPoints: { [ENTRY]: entry },
    outdir: OUT,
    outExtension: { ".js": ".mjs" },
    chunkNames: "parts/[name]-[hash]",
    ...(sourcemap && { sourcemap }),
  });
  const files = outputFiles.map(({ path, text }) => ({ path: relative(OUT, path), code: text }));
  const [first, ...others] = files
    .filter(({ path }) => path.endsWith(".mjs"))
    .toSorted((a, b) => Number(b.path === `${ENTRY}.mjs`) - Number(a.path === `${ENTRY}.mjs`));
  if (!first) {
    throw new Error(`esbuild made nothing of ${entry}`);
  }
  const maps = files.filter(({ path }) => path.endsWith(".map"));
  return { modules: [first, ...others], maps, metafile: relativeTo(metafile) };
}

function relativeTo(metafile: Metafile): Metafile {
  const name = (path: string) => relative(OUT, resolve(path));
  const outputs = Object.entries(metafile.outputs).map(([path, output]) => {
    const imports = output.imports.map((one) =>
      one.external ? one : { ...one, path: name(one.path) },
    );
    return [name(path), { ...output, imports }] as const;
  });
  return { ...metafile, outputs: Object.fromEntries(outputs) };
}
