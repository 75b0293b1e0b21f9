/**
 * How large the Worker is as it is uploaded, and how much of it an isolate evaluates before it can acknowledge a
 * webhook: the whole; the modules that the entry reaches without any `import()`; those and the modules that one
 * channel's receiver brings (the acknowledgement path; the largest channel counts). A module is counted whole, also
 * where only lazily loaded code needs a part of it. Gzipped: as one stream, the way they are uploaded.
 */
import { join, resolve } from "node:path";
import { gzipSync } from "node:zlib";
import type { Metafile } from "esbuild";
import { bundleWorker, type WorkerBundle } from "../dev/bundle.ts";
import { ROOT } from "../dev/runtime.ts";

export interface WorkerSize extends Bytes {
  /** What every isolate starts with. */
  readonly start: Part;
  /** That and a channel's receiver: what its webhooks need up to the acknowledgement. */
  readonly ackByChannel: Readonly<Record<Channel, Part>>;
  /** The largest of these. */
  readonly ack: Part;
}

/** Some of the Worker's modules. */
interface Part extends Bytes {
  /** Largest first. */
  readonly sources: readonly SourceSize[];
}

interface Bytes {
  readonly minified: number;
  readonly gzipped: number;
}

interface SourceSize {
  readonly path: string;
  readonly bytes: number;
}

const CHANNELS = ["whatsapp", "slack", "discord"] as const;
type Channel = (typeof CHANNELS)[number];

const GZIP_LEVEL = 9;
/** What `docs/design` wants of the acknowledgement path. */
export const ACK_GOAL_GZIPPED_BYTES = 25_000;

/** Measures the Worker whose module is `entry`. Throws esbuild's report when it cannot be built. */
export async function measureSize(entry: string): Promise<WorkerSize> {
  const bundle = await bundleWorker(entry);
  const { outputs } = bundle.metafile;
  const start = outputOf(bundle.metafile, entry);
  if (start === undefined) {
    throw new Error("the bundle has no entry");
  }
  const ackByChannel = Object.fromEntries(
    CHANNELS.map((channel) => {
      const receiver = outputOf(bundle.metafile, join(ROOT, `channels/${channel}/receiver.ts`));
      return [channel, partOf(bundle, receiver === undefined ? [start] : [start, receiver])];
    }),
  ) as Record<Channel, Part>;
  const ack = Object.values(ackByChannel).reduce((one, other) =>
    other.gzipped > one.gzipped ? other : one,
  );
  const whole = bytesOf(bundle, Object.keys(outputs));
  return { ...whole, start: partOf(bundle, [start]), ackByChannel, ack };
}

/** The output that begins with a source file: the entry's, or one that is imported lazily. */
function outputOf({ outputs }: Metafile, source: string): string | undefined {
  const found = Object.entries(outputs).find(
    ([, { entryPoint }]) => entryPoint !== undefined && resolve(entryPoint) === source,
  );
  return found?.[0];
}

/** These outputs and all they import, but for `import()`. */
function partOf(bundle: WorkerBundle, roots: readonly string[]): Part {
  const { outputs } = bundle.metafile;
  const reached = new Set(roots);
  for (const path of reached) {
    for (const imported of outputs[path]?.imports ?? []) {
      if (imported.kind === "import-statement" && !imported.external) {
        reached.add(imported.path);
      }
    }
  }
  const sources = [...reached]
    .flatMap((path) => Object.entries(outputs[path]?.inputs ?? {}))
    .map(([path, { bytesInOutput }]) => ({ path, bytes: bytesInOutput }))
    .filter(({ bytes }) => bytes > 0)
    .sort((a, b) => b.bytes - a.bytes);
  return { ...bytesOf(bundle, [...reached]), sources };
}

function bytesOf(bundle: WorkerBundle, paths: readonly string[]): Bytes {
  const code = new Map(bundle.modules.map((module) => [module.path, module.code]));
  const all = Buffer.from(paths.map((path) => code.get(path) ?? "").join("\n"));
  return { minified: all.length, gzipped: gzipSync(all, { level: GZIP_LEVEL }).length };
}
