/**
 * How long a fresh isolate takes to its first answer, a refusal by Slack's receiver: the hub as it is deployed, the
 * same in one module, and an empty Worker. Each is loaded under a new name for every round, in turn, by a Worker
 * Loader, which hands all the code over: what that takes is in the figures.
 */
import { convertV4MiniflareOptions } from "miniflare";
import { bundleWorker } from "../dev/bundle.ts";
import { freePort } from "../dev/ports.ts";
import { end, launch } from "../dev/runtime.ts";
import { median } from "./load.ts";

interface ColdStart {
  readonly name: string;
  readonly medianMs: number;
  readonly overEmptyMs: number;
}

export type ColdReport = readonly ColdStart[];

interface ColdOptions {
  readonly rounds: number;
}

const REFUSED = 415;
const EMPTY = `export default { fetch: () => new Response(null, { status: ${REFUSED} }) };`;

/** Loads what is asked for as a new isolate and passes the request on. */
const LOADER = `
import text from "./codes.txt";
const codes = JSON.parse(text);
export default {
  fetch(request, env) {
    const [, name, id] = new URL(request.url).pathname.split("/");
    const worker = env.LOADER.get(name + id, () => ({
      compatibilityDate: "2026-08-01",
      compatibilityFlags: ["new_module_registry"],
      mainModule: "hub.mjs",
      modules: codes[name],
    }));
    const asked = { method: "POST", headers: { "content-type": "text/xml" } };
    return worker.getEntrypoint().fetch("http://cold.invalid/webhooks/slack", asked);
  },
};`;

/** Medians over the rounds; the first round does not count. */
export async function measureColdStarts(entry: string, options: ColdOptions): Promise<ColdReport> {
  const codes = {
    empty: { "hub.mjs": { js: EMPTY } },
    deployed: await modulesOf(entry, { splitting: true }),
    one: await modulesOf(entry, { splitting: false }),
  };
  const port = await freePort();
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
            { type: "Text", path: "codes.txt", contents: JSON.stringify(codes) },
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
  deployed: "the hub as deployed",
  one: "the hub in one module",
} as const;

async function rounds(url: string, options: ColdOptions): Promise<ColdReport> {
  const took = { empty: [] as number[], deployed: [] as number[], one: [] as number[] };
  const keys = Object.keys(took) as (keyof typeof took)[];
  for (let round = 0; round <= options.rounds; round += 1) {
    for (const key of keys) {
      const begunMs = performance.now();
      const answer = await fetch(`${url}/${key}/${round}`);
      await answer.text();
      const ms = performance.now() - begunMs;
      if (answer.status !== REFUSED) {
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

/** As a Worker Loader takes them. */
async function modulesOf(
  entry: string,
  options: { readonly splitting: boolean },
): Promise<Record<string, { readonly js: string }>> {
  const { modules } = await bundleWorker(entry, options);
  return Object.fromEntries(modules.map(({ path, code }) => [path, { js: code }]));
}
