/**
 * A PNG that looks like a QR code (three finder squares, dots from a hash), made with node:zlib.
 * It cannot be scanned: pairing happens through the side door.
 */
import { createHash } from "node:crypto";
import { crc32, deflateSync } from "node:zlib";

const MODULES = 29;
const SCALE = 8;
const QUIET = 4;
const SIDE = (MODULES + QUIET * 2) * SCALE;

/** `data:image/png;base64,...` for a pairing code. */
export function qrDataUri(code: string): string {
  return `data:image/png;base64,${qrPng(code).toString("base64")}`;
}

function qrPng(code: string): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(SIDE, 0);
  header.writeUInt32BE(SIDE, 4);
  header.set([8, 0, 0, 0, 0], 8);
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk("IHDR", header),
    chunk("IDAT", deflateSync(pixels(code))),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

function pixels(code: string): Buffer {
  const dots = createHash("shake256", { outputLength: Math.ceil((MODULES * MODULES) / 8) })
    .update(code)
    .digest();
  const rows = Buffer.alloc(SIDE * (SIDE + 1), 0xff);
  for (let y = 0; y < SIDE; y += 1) {
    rows[y * (SIDE + 1)] = 0;
    for (let x = 0; x < SIDE; x += 1) {
      const [mx, my] = [Math.floor(x / SCALE) - QUIET, Math.floor(y / SCALE) - QUIET];
      if (isDark(mx, my, dots)) rows[y * (SIDE + 1) + 1 + x] = 0;
    }
  }
  return rows;
}

function isDark(x: number, y: number, dots: Buffer): boolean {
  if (x < 0 || y < 0 || x >= MODULES || y >= MODULES) return false;
  for (const [cx, cy] of [
    [3, 3],
    [MODULES - 4, 3],
    [3, MODULES - 4],
  ] as const) {
    const ring = Math.max(Math.abs(x - cx), Math.abs(y - cy));
    if (ring <= 4) return ring === 3 || ring <= 1;
  }
  const bit = y * MODULES + x;
  return ((dots[bit >> 3] ?? 0) >> (bit & 7)) % 2 === 1;
}

function chunk(type: string, data: Buffer): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt32BE(data.length, 0);
  head.write(type, 4, "latin1");
  const check = Buffer.alloc(4);
  check.writeUInt32BE(crc32(Buffer.concat([head.subarray(4), data])), 0);
  return Buffer.concat([head, data, check]);
}
