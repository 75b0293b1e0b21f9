/**
 * How large the Worker is, and how much of it an isolate evaluates before it can acknowledge a webhook:
 * everything reachable by static imports. What is imported lazily comes with the first request that needs it.
 */
import { gzipSync } from "node:zlib";
import { build, type Metafile } from "esbuild";
import { WORKER_BUILD } from "../dev/bundle.ts";

export interface WorkerSize {
  /** The whole Worker in one minified module, bytes. */
  readonly minified: number;
  readonly gzipped: number;
  /** What starting evaluates, bytes of its minified chunks, and gzipped each. */
  readonly startMinified: number;
  readonly startGzipped: number;
  /** Modules evaluated at start, largest first. */
  readonly startModules: readonly ModuleSize[];
}

interface ModuleSize {
  readonly path: string;
  readonly bytes: number;
}

const GZIP_LEVEL = 9;

/** Measures the Worker whose module is `entry`. Throws esbuild's report when it cannot be built. */
export async function measureSize(entry: string): Promise<WorkerSize> {
  const whole = await bundle(entry, false);
  const split = await bundle(entry, true);
  const start = staticOutputs(split.metafile);
  const startCode = start.map((path) => split.code.get(path) ?? new Uint8Array());
  return {
    minified: sum([...whole.code.values()].map((code) => code.length)),
    gzipped: sum([...whole.code.values()].map(gzipLength)),
    startMinified: sum(startCode.map((code) => code.length)),
    startGzipped: sum(startCode.map(gzipLength)),
    startModules: modulesOf(split.metafile, start),
  };
}

/** Output chunks that the entry reaches without `import()`. */
function staticOutputs(metafile: Metafile): string[] {
  const entry = Object.entries(metafile.outputs).find(([, output]) => output.entryPoint);
  if (!entry) {
    throw new Error("the bundle has no entry");
  }
  const reached = new Set([entry[0]]);
  for (const path of reached) {
    for (const imported of metafile.outputs[path]?.imports ?? []) {
      if (imported.kind === "import-statement" && !imported.external) {
        reached.add(imported.path);
      }
    }
  }
  return [...reached];
}

function modulesOf(metafile: Metafile, outputs: readonly string[]): ModuleSize[] {
  return outputs
    .flatMap((path) => Object.entries(metafile.outputs[path]?.inputs ?? {}))
    .map(([path, input]) => ({ path, bytes: input.bytesInOutput }))
    .filter((module) => module.bytes > 0)
    .sort((a, b) => b.bytes - a.bytes);
}

interface Bundle {
  readonly code: ReadonlyMap<string, Uint8Array>;
  readonly metafile: Metafile;
}

async function bundle(entry: string, splitting: boolean): Promise<Bundle> {
  const result = await build({
    ...WORKER_BUILD,
    loader: { ...WORKER_BUILD.loader },
    conditions: [...WORKER_BUILD.conditions],
    external: [...WORKER_BUILD.external],
    mainFields: [...WORKER_BUILD.mainFields],
    entryPoints: [entry],
    outdir: "out",
    minify: true,
    splitting,
  });
  const names = Object.keys(result.metafile.outputs);
  const code = new Map(
    result.outputFiles.map((file) => [
      names.find((name) => file.path.endsWith(`/${name}`)) ?? file.path,
      file.contents,
    ]),
  );
  return { code, metafile: result.metafile };
}

function gzipLength(code: Uint8Array): number {
  return gzipSync(code, { level: GZIP_LEVEL }).length;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
