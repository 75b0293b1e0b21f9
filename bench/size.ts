/**
 * How large the Worker is, and how much of it an isolate evaluates before it can acknowledge a webhook. Three
 * readings: the whole; what the entry reaches without any `import()` (the acknowledgement path); the same when
 * lazily loaded code is bundled with it, since a bundler keeps what that needs of modules both share.
 */
import { gzipSync } from "node:zlib";
import { build, type Metafile, type Plugin } from "esbuild";
import { WORKER_BUILD } from "../dev/bundle.ts";

export interface WorkerSize {
  /** The whole Worker in one minified module, bytes. */
  readonly minified: number;
  readonly gzipped: number;
  /** The acknowledgement path alone: every `import()` left out of the bundle. */
  readonly ackMinified: number;
  readonly ackGzipped: number;
  /** Modules of the acknowledgement path, largest first. */
  readonly ackModules: readonly ModuleSize[];
  /** What starting evaluates of the whole Worker, bytes of its minified chunks, and gzipped each. */
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
/** What `docs/design` wants of the acknowledgement path. */
export const ACK_GOAL_GZIPPED_BYTES = 25_000;

/** Measures the Worker whose module is `entry`. Throws esbuild's report when it cannot be built. */
export async function measureSize(entry: string): Promise<WorkerSize> {
  const whole = await bundle(entry, { splitting: false });
  const split = await bundle(entry, { splitting: true });
  const ack = await bundle(entry, { splitting: false, plugins: [WITHOUT_LAZY] });
  const start = staticOutputs(split.metafile);
  const startCode = start.map((path) => split.code.get(path) ?? new Uint8Array());
  return {
    minified: sum([...whole.code.values()].map((code) => code.length)),
    gzipped: sum([...whole.code.values()].map(gzipLength)),
    ackMinified: sum([...ack.code.values()].map((code) => code.length)),
    ackGzipped: sum([...ack.code.values()].map(gzipLength)),
    ackModules: modulesOf(ack.metafile, Object.keys(ack.metafile.outputs)),
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

/** Leaves out whatever is imported lazily, so that nothing is kept for its sake. */
const WITHOUT_LAZY: Plugin = {
  name: "without-lazy",
  setup: ({ onResolve }) => {
    onResolve({ filter: /./ }, ({ kind, path }) =>
      kind === "dynamic-import" ? { path, external: true } : undefined,
    );
  },
};

interface BundleOptions {
  readonly splitting: boolean;
  readonly plugins?: Plugin[];
}

/** The code of the acknowledgement path alone, one module; its lazy imports fail. */
export async function bundleAck(entry: string): Promise<string> {
  const { code } = await bundle(entry, { splitting: false, plugins: [WITHOUT_LAZY] });
  return new TextDecoder().decode([...code.values()][0]);
}

async function bundle(entry: string, options: BundleOptions): Promise<Bundle> {
  const result = await build({
    ...WORKER_BUILD,
    loader: { ...WORKER_BUILD.loader },
    conditions: [...WORKER_BUILD.conditions],
    external: [...WORKER_BUILD.external],
    mainFields: [...WORKER_BUILD.mainFields],
    entryPoints: [entry],
    outdir: "out",
    minify: true,
    ...options,
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
