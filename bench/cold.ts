/**
 * How long a fresh isolate takes to its first answer: the hub as it is deployed, its acknowledgement path
 * alone, and an empty Worker. Each is loaded under a new name for every round, in turn, by a Worker Loader.
 */
import { convertV4MiniflareOptions } from "miniflare";
import { bundleWorker } from "../dev/bundle.ts";
import { freePort } from "../dev/ports.ts";
import { end, launch } from "../dev/runtime.ts";
import { median } from "./load.ts";
import { bundleAck } from "./size.ts";

interface ColdStart {
  readonly name: string;
  readonly medianMs: number;
  readonly overEmptyMs: number;
}

export type ColdReport = readonly ColdStart[];

interface ColdOptions {
  readonly rounds: number;
}

const EMPTY = 'export default { fetch: () => new Response("ok") };';

/** Loads what is asked for as a new isolate and passes the request on. */
const LOADER = `
import empty from "./empty.txt";
import ack from "./ack.txt";
import whole from "./whole.txt";
const codes = { empty, ack, whole };
export default {
  fetch(request, env) {
    const [, name, id] = new URL(request.url).pathname.split("/");
    const worker = env.LOADER.get(name + id, () => ({
      compatibilityDate: "2026-08-01",
      mainModule: "main.js",
      modules: { "main.js": codes[name] },
    }));
    return worker.getEntrypoint().fetch("http://cold.invalid/webhooks/none", { method: "POST" });
  },
};`;

/** Medians over the rounds; the first round does not count. */
export async function measureColdStarts(entry: string, options: ColdOptions): Promise<ColdReport> {
  const codes = { empty: EMPTY, ack: await bundleAck(entry), whole: await deployed(entry) };
  const port = await freePort();
  const text = (path: string, contents: string) => ({ type: "Text" as const, path, contents });
  const running = await launch(
    convertV4MiniflareOptions({
      host: "127.0.0.1",
      port: 0,
      cf: false,
      logRequests: false,
      telemetry: { enabled: false },
      handleStructuredLogs: () => undefined,
      workers: [
        {
          name: "cold",
          compatibilityDate: "2026-08-01",
          modules: [
            { type: "ESModule", path: "loader.mjs", contents: LOADER },
            ...Object.entries(codes).map(([name, code]) => text(`${name}.txt`, code)),
          ],
          workerLoaders: { LOADER: {} },
          unsafeDirectSockets: [{ host: "127.0.0.1", port }],
        },
      ],
    }),
  );
  try {
    return await rounds(`http://127.0.0.1:${port}`, options);
  } finally {
    await end(running, "SIGKILL");
  }
}

const NAMES = {
  empty: "an empty Worker",
  ack: "acknowledgement path alone",
  whole: "the hub as deployed",
} as const;

async function rounds(url: string, options: ColdOptions): Promise<ColdReport> {
  const took = { empty: [] as number[], ack: [] as number[], whole: [] as number[] };
  const keys = Object.keys(took) as (keyof typeof took)[];
  for (let round = 0; round <= options.rounds; round += 1) {
    for (const key of keys) {
      const begunMs = performance.now();
      const answer = await fetch(`${url}/${key}/${round}`);
      await answer.text();
      const ms = performance.now() - begunMs;
      if (answer.status !== (key === "empty" ? 200 : 404)) {
        throw new Error(`${NAMES[key]} answered ${answer.status}`);
      }
      if (round > 0) {
        took[key].push(ms);
      }
    }
  }
  const emptyMs = median(took.empty);
  return keys.map((key) => {
    const medianMs = median(took[key]);
    return { name: NAMES[key], medianMs, overEmptyMs: medianMs - emptyMs };
  });
}

/** Without the inline source map, which no deploy sends. */
async function deployed(entry: string): Promise<string> {
  const { code } = await bundleWorker(entry);
  return code.slice(0, code.lastIndexOf("//# sourceMappingURL="));
}
