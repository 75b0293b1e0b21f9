/** File types by their first bytes. One table; text formats a browser would run are found by their first tag. */

type Rule = readonly [offset: number, magic: string, type: string];

/** `magic` is Latin-1, one character per byte. The first rule that fits decides. */
const RULES: readonly Rule[] = [
  [0, "\x89PNG\r\n\x1a\n", "image/png"],
  [0, "\xff\xd8\xff", "image/jpeg"],
  [0, "GIF87a", "image/gif"],
  [0, "GIF89a", "image/gif"],
  [0, "BM", "image/bmp"],
  [0, "II*\0", "image/tiff"],
  [0, "MM\0*", "image/tiff"],
  [0, "OggS", "audio/ogg"],
  [0, "ID3", "audio/mpeg"],
  [0, "fLaC", "audio/flac"],
  [0, "#!AMR", "audio/amr"],
  [0, "\x1a\x45\xdf\xa3", "video/webm"],
  [0, "%PDF-", "application/pdf"],
  [0, "\x1f\x8b", "application/gzip"],
  [0, "Rar!\x1a\x07", "application/vnd.rar"],
  [0, "7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"],
  [0, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage"],
  [0, "\x7fELF", "application/x-elf"],
  [0, "#!/", "application/x-sh"],
  [0, "{\\rtf", "application/rtf"],
];

const RIFF: readonly Rule[] = [
  [8, "WEBP", "image/webp"],
  [8, "WAVE", "audio/wav"],
  [8, "AVI ", "video/x-msvideo"],
];

/** Brands of ISO media files (ISO/IEC 14496-12, `ftyp`). */
const BRANDS: readonly (readonly [RegExp, string])[] = [
  [/^(?:heic|heix|hevc|mif1|msf1)/, "image/heic"],
  [/^(?:avif|avis)/, "image/avif"],
  [/^M4[AB] /, "audio/mp4"],
  [/^qt {2}/, "video/quicktime"],
  [/^3g/, "video/3gpp"],
];

/** Folders of Office files inside their zip. */
const OFFICE: readonly (readonly [string, string])[] = [
  ["word/", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"],
  ["xl/", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"],
  ["ppt/", "application/vnd.openxmlformats-officedocument.presentationml.presentation"],
];

const TAGS: readonly (readonly [RegExp, string])[] = [
  [/^<svg[\s>/]/, "image/svg+xml"],
  [
    /^<(?:!doctype html|html|head|body|script|iframe|img|meta|title|style|div|table|a|p|br)[\s>/]/,
    "text/html",
  ],
  [/^<!doctype svg/, "image/svg+xml"],
  [/^<\?xml/, "text/xml"],
  [/^<!--/, "text/html"],
];

/** How many first bytes are looked at. */
const SNIFFED_BYTES = 4096;

/** The type of a file from its first bytes, or undefined where they say nothing. */
export function sniffType(bytes: Uint8Array): string | undefined {
  const head = latin1(bytes.subarray(0, SNIFFED_BYTES));
  if (head.startsWith("RIFF")) return matched(RIFF, head);
  if (head.slice(4, 8) === "ftyp") return brandType(head.slice(8, 12));
  if (head.startsWith("PK\x03\x04")) return zipType(head);
  if (head.startsWith("MZ") && isProgram(head)) return "application/x-msdownload";
  return matched(RULES, head) ?? frameType(bytes) ?? tagType(head);
}

function matched(rules: readonly Rule[], head: string): string | undefined {
  return rules.find(([offset, magic]) => head.startsWith(magic, offset))?.[2];
}

function brandType(brand: string): string {
  return BRANDS.find(([pattern]) => pattern.test(brand))?.[1] ?? "video/mp4";
}

function zipType(head: string): string {
  if (!head.includes("[Content_Types].xml")) return "application/zip";
  return OFFICE.find(([folder]) => head.includes(folder))?.[1] ?? "application/zip";
}

/** Two letters alone are too little, a text may begin with them: a program's header is full of zeros. */
function isProgram(head: string): boolean {
  return head.slice(2, 64).includes("\0");
}

/** MPEG audio and AAC have no header, only a frame's first bits. */
function frameType(bytes: Uint8Array): string | undefined {
  const [first = 0, second = 0] = bytes;
  // 0xff 0xfe is far more often the mark of a UTF-16 text than MPEG layer I.
  if (first !== 0xff || second === 0xfe) return undefined;
  if ((second & 0xf6) === 0xf0) return "audio/aac";
  return (second & 0xe0) === 0xe0 && (second & 0x06) !== 0 ? "audio/mpeg" : undefined;
}

/** What browsers look for, behind white space and a byte order mark. UTF-16 pages are read too. */
function tagType(head: string): string | undefined {
  const wide = head.startsWith("\xff\xfe") || head.startsWith("\xfe\xff");
  const text = (
    wide ? head.slice(2).replaceAll("\0", "") : head.replace(/^\xef\xbb\xbf/, "")
  ).trimStart();
  const start = text.slice(0, 64).toLowerCase();
  const type = TAGS.find(([pattern]) => pattern.test(`${start} `))?.[1];
  if (type !== "text/xml") return type;
  const body = text.slice(0, 1024).toLowerCase();
  if (body.includes("<svg")) return "image/svg+xml";
  return body.includes("<html") ? "text/html" : "text/xml";
}

function latin1(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}
