/**
 * How large the Worker is, and how much of it an isolate evaluates before it can acknowledge a webhook. Readings:
 * the whole; what the entry reaches without any `import()`; that and what the door loads for one channel's webhooks
 * (the acknowledgement path, the largest channel counts); the start when lazily loaded code is bundled with it,
 * since a bundler keeps what that needs of modules both share.
 */
import { join, resolve } from "node:path";
import { gzipSync } from "node:zlib";
import { build, type Metafile, type Plugin } from "esbuild";
import { WORKER_BUILD } from "../dev/bundle.ts";
import { ROOT } from "../dev/runtime.ts";

export interface WorkerSize {
  /** The whole Worker in one minified module, bytes. */
  readonly minified: number;
  readonly gzipped: number;
  /** What every isolate starts with: every `import()` left out of the bundle. */
  readonly entryMinified: number;
  readonly entryGzipped: number;
  /** The same and the channel's receiver, per channel: all that its webhooks need up to the acknowledgement. */
  readonly ackByChannel: Readonly<Record<Channel, Bytes>>;
  /** The largest of these. */
  readonly ackMinified: number;
  readonly ackGzipped: number;
  /** Its modules, largest first. */
  readonly ackModules: readonly ModuleSize[];
  /** What starting evaluates of the whole Worker, bytes of its minified chunks, and gzipped each. */
  readonly startMinified: number;
  readonly startGzipped: number;
  /** Modules evaluated at start, largest first. */
  readonly startModules: readonly ModuleSize[];
}

const CHANNELS = ["whatsapp", "slack", "discord"] as const;
type Channel = (typeof CHANNELS)[number];

interface Bytes {
  readonly minified: number;
  readonly gzipped: number;
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
  const alone = await bundle(entry, { splitting: false, plugins: [WITHOUT_LAZY] });
  const ways = await Promise.all(
    CHANNELS.map(async (channel) => ({ channel, bundle: await bundleWay(entry, channel) })),
  );
  const largest = ways.reduce((one, other) =>
    bytesOf(other.bundle).gzipped > bytesOf(one.bundle).gzipped ? other : one,
  );
  const ack = bytesOf(largest.bundle);
  const start = staticOutputs(split.metafile, entry);
  const startCode = start.map((path) => split.code.get(path) ?? new Uint8Array());
  return {
    ...bytesOf(whole),
    entryMinified: bytesOf(alone).minified,
    entryGzipped: bytesOf(alone).gzipped,
    ackByChannel: Object.fromEntries(
      ways.map((way) => [way.channel, bytesOf(way.bundle)]),
    ) as Record<Channel, Bytes>,
    ackMinified: ack.minified,
    ackGzipped: ack.gzipped,
    ackModules: modulesOf(largest.bundle.metafile, Object.keys(largest.bundle.metafile.outputs)),
    startMinified: sum(startCode.map((code) => code.length)),
    startGzipped: sum(startCode.map(gzipLength)),
    startModules: modulesOf(split.metafile, start),
  };
}

function bytesOf({ code }: Bundle): Bytes {
  const all = [...code.values()];
  return { minified: sum(all.map((one) => one.length)), gzipped: sum(all.map(gzipLength)) };
}

/** Output chunks that the entry reaches without `import()`. */
function staticOutputs(metafile: Metafile, entry: string): string[] {
  // Chunks of an `import()` have an entry point too.
  const isEntry = (point: string | undefined) => point !== undefined && resolve(point) === entry;
  const first = Object.entries(metafile.outputs).find(([, output]) => isEntry(output.entryPoint));
  if (!first) {
    throw new Error("the bundle has no entry");
  }
  const reached = new Set([first[0]]);
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

/** The entry and one channel's receiver, as if the entry imported it. */
function bundleWay(entry: string, channel: Channel): Promise<Bundle> {
  const receiver = join(ROOT, `channels/${channel}/receiver.ts`);
  const contents = `export * as entry from ${JSON.stringify(entry)};
export * as receiver from ${JSON.stringify(receiver)};`;
  return bundle({ contents, resolveDir: ROOT }, { splitting: false, plugins: [WITHOUT_LAZY] });
}

/** The code every isolate starts with, one module; its lazy imports fail. */
export async function bundleAck(entry: string): Promise<string> {
  const { code } = await bundle(entry, { splitting: false, plugins: [WITHOUT_LAZY] });
  return new TextDecoder().decode([...code.values()][0]);
}

type Entry = string | { readonly contents: string; readonly resolveDir: string };

async function bundle(entry: Entry, options: BundleOptions): Promise<Bundle> {
  const result = await build({
    ...WORKER_BUILD,
    loader: { ...WORKER_BUILD.loader },
    conditions: [...WORKER_BUILD.conditions],
    external: [...WORKER_BUILD.external],
    mainFields: [...WORKER_BUILD.mainFields],
    ...(typeof entry === "string" ? { entryPoints: [entry] } : { stdin: entry }),
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
