/**
 * A small media host that every simulator carries under `/media/`: honest files, and files that lie
 * about their type or length, never end, or drip. Stands for CDNs and for senders that mean harm.
 */
import type { ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import type { Reply } from "./http.ts";

/** A real 1x1 PNG, 68 bytes. */
export const PNG_BYTES = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII=",
  "base64",
);

/** A real Ogg/Opus file: 100 ms of silence. */
export const OGG_BYTES = Buffer.from(
  "T2dnUwACAAAAAAAAAADSBAAAAAAAADlZQlgBE09wdXNIZWFkAQE4AYC7AAAAAABPZ2dTAAAAAAAAAAAAANIEAAABAAAAWnM3RwETT3B1c1RhZ3MDAAAAc2ltAAAAAE9nZ1MABMASAAAAAAAA0gQAAAIAAAArBFlVBQMDAwMD+P/++P/++P/++P/++P/+",
  "base64",
);

/** A one-page PDF with nothing on it. */
export const PDF_BYTES = Buffer.from(
  "%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 72 72]>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n",
);

const HTML = "<!doctype html><title>not a picture</title><script>alert(1)</script>";
const HUGE_BYTES = 10 * 1024 ** 3;
const DRIP_WAIT_MS = 250;

/** Files by name below `/media/`; `/media/<anything>/<name>` gives the same, so that paths can be unique. */
const FILES: Readonly<Record<string, () => Reply>> = {
  "pixel.png": () => file(PNG_BYTES, "image/png"),
  "voice.ogg": () => file(OGG_BYTES, "audio/ogg; codecs=opus"),
  "document.pdf": () => file(PDF_BYTES, "application/pdf"),
  "lying.png": () => file(Buffer.from(HTML), "image/png"),
  "lying.html": () => file(PNG_BYTES, "text/html"),
  "huge.bin": () => announced("application/octet-stream", HUGE_BYTES),
  "truncated.png": () => announced("image/png", PNG_BYTES.length + 1000, PNG_BYTES),
  "endless.bin": () => ({
    status: 200,
    headers: { "content-type": "application/octet-stream" },
    stream: writeForever,
  }),
  "drip.png": () => ({
    status: 200,
    headers: { "content-type": "image/png" },
    stream: writeSlowly,
  }),
  "redirect.png": () => ({
    status: 302,
    headers: { location: "http://169.254.169.254/latest/meta-data" },
  }),
};

/** The answer for a path below `/media/`; 404 for a name that is not listed. */
export function mediaReply(path: string): Reply {
  const name = path.slice(path.lastIndexOf("/") + 1);
  return FILES[name]?.() ?? { status: 404, body: "no such file" };
}

function file(bytes: Buffer, type: string): Reply {
  return { status: 200, headers: { "content-type": type }, body: bytes };
}

/** Promises `length` bytes, sends fewer, and breaks the connection. */
function announced(type: string, length: number, bytes = Buffer.alloc(1024)): Reply {
  return {
    status: 200,
    headers: { "content-type": type, "content-length": String(length) },
    stream: async (response) => {
      response.write(bytes);
      await sleep(50);
      response.destroy();
    },
  };
}

async function writeForever(response: ServerResponse, signal: AbortSignal): Promise<void> {
  const block = Buffer.alloc(64 * 1024, 0x61);
  while (!response.destroyed && !signal.aborted) {
    if (!response.write(block)) await drained(response);
  }
}

function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      response.off("drain", done);
      response.off("close", done);
      resolve();
    };
    response.once("drain", done);
    response.once("close", done);
  });
}

async function writeSlowly(response: ServerResponse, signal: AbortSignal): Promise<void> {
  for (const byte of PNG_BYTES) {
    if (response.destroyed || signal.aborted) return;
    response.write(Buffer.of(byte));
    await sleep(DRIP_WAIT_MS);
  }
  response.end();
}
