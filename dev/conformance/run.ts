/** Walks a directory of payloads, folder by folder, in a stable order. Reads files; prints nothing. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { adapterFor } from "../../channels/registry.ts";
import { connectionFor } from "./connection.ts";
import { brokenLine, type Line, lineOf, notAWebhook } from "./line.ts";
import { isEnvelope, rawWebhookOf } from "./raw.ts";

export interface Conformance {
  readonly lines: readonly Line[];
  /** Folders without a parser here. */
  readonly notCovered: readonly string[];
  /** True where a parser threw, or made something that is no unified message. */
  readonly broken: boolean;
}

/** Folder names, and the channel whose parser reads them. */
const FOLDERS: Readonly<Record<string, string>> = {
  evolution: "evolution",
  "evolution-captured": "evolution",
  whatsapp: "whatsapp",
  slack: "slack",
  discord: "discord",
};

/** `nowMs` stands in where a payload has no event time. Throws where the directory cannot be read. */
export function runConformance(directory: string, nowMs: number): Conformance {
  const folders = readdirSync(directory, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .sort();
  const covered = folders.filter((name) => Object.hasOwn(FOLDERS, name));
  const results = covered.flatMap((folder) => runFolder(directory, folder, nowMs));
  return {
    lines: results.map(({ line }) => line),
    notCovered: folders.filter((name) => !covered.includes(name)),
    broken: results.some(({ broken }) => broken),
  };
}

interface FileResult {
  readonly line: Line;
  readonly broken: boolean;
}

function runFolder(directory: string, folder: string, nowMs: number): readonly FileResult[] {
  const names = readdirSync(join(directory, folder)).filter((name) => name.endsWith(".json"));
  const files = names.sort().map((name) => ({
    file: `${folder}/${name}`,
    bytes: Uint8Array.from(readFileSync(join(directory, folder, name))),
  }));
  const bodies = files.map(({ bytes }) => new TextDecoder().decode(bytes));
  return files.map(({ file, bytes }) => runFile(file, bytes, FOLDERS[folder] ?? "", bodies, nowMs));
}

/** `neighbours` are all bodies of the folder: they tell which application a Gateway frame is for. */
function runFile(
  file: string,
  bytes: Uint8Array<ArrayBuffer>,
  channel: string,
  neighbours: readonly string[],
  nowMs: number,
): FileResult {
  const adapter = adapterFor(channel);
  if (adapter === undefined) {
    return { line: brokenLine(file, "no_adapter"), broken: true };
  }
  if (!isEnvelope(bytes)) {
    return { line: notAWebhook(file), broken: false };
  }
  try {
    const raw = rawWebhookOf(bytes, adapter.channel);
    const connection = connectionFor(adapter, raw, neighbours);
    const line = lineOf(file, adapter.parse(raw, { connection, nowMs }), connection, nowMs);
    return { line, broken: false };
  } catch {
    return { line: brokenLine(file, "threw"), broken: true };
  }
}
