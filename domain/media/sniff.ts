/**
 * What a file really is, by its first bytes, and whether it may pass for what it was said to be. A
 * page or a program that calls itself a picture is refused; an unknown kind of file is taken at its word
 * but served as bytes only.
 */
import type { MediaKind } from "../../schema/message.ts";
import { fail, ok, type Result } from "../result.ts";
import { sniffType } from "./magic.ts";

export { sniffType } from "./magic.ts";

/** Types a browser would run. Never served under their own name. */
const ACTIVE = new Set(["text/html", "image/svg+xml", "text/xml", "text/javascript"]);
const PROGRAMS = new Set(["application/x-msdownload", "application/x-elf", "application/x-sh"]);

export interface TypeFailure {
  readonly reason: "type_mismatch";
  /** What the bytes are. */
  readonly found: string;
}

export interface JudgedType {
  /** For the message. */
  readonly mimeType: string;
  /** For the store and for links: never a type that a browser would run. */
  readonly servedType: string;
}

/** Judges a file by kind, claimed type and first bytes. */
export function judgeType(
  kind: MediaKind,
  claimed: string | undefined,
  bytes: Uint8Array,
): Result<JudgedType, TypeFailure> {
  const found = sniffType(bytes);
  const said = bareType(claimed);
  if (found && !isPlausible(kind, said, found)) {
    return fail({ reason: "type_mismatch", found });
  }
  const mimeType = found && !isFiner(said, found) ? found : (claimed ?? GENERIC);
  const safe = found !== undefined || /^(?:text\/plain|text\/csv)$/.test(said);
  const servedType = !safe || ACTIVE.has(bareType(mimeType)) ? GENERIC : mimeType;
  return ok({ mimeType, servedType });
}

const GENERIC = "application/octet-stream";

function isPlausible(kind: MediaKind, said: string, found: string): boolean {
  const family = familyOf(found);
  switch (kind) {
    case "image":
      return family === "image" && !ACTIVE.has(found);
    case "sticker":
      return (
        (family === "image" && !ACTIVE.has(found)) ||
        family === "av" ||
        found === "application/gzip"
      );
    case "video":
    case "audio":
    case "voice":
      return family === "av";
    case "document":
      return isPlausibleDocument(said, found);
  }
}

/** A document may be anything, as long as it doesn't hide a page or a program behind another type. */
function isPlausibleDocument(said: string, found: string): boolean {
  if (said === "" || said === GENERIC || said === found) return true;
  if (PROGRAMS.has(found)) return !CERTAIN_TYPES.test(said);
  if (!ACTIVE.has(found))
    return !/^(?:image|audio|video)\//.test(said) || familyOf(found) === familyOf(said);
  return /^text\/|[+/](?:xml|xhtml\+xml|json|javascript)$/.test(said) && said !== "image/svg+xml";
}

/** Types that no program is ever sent under. */
const CERTAIN_TYPES = /^(?:image|audio|video|text)\/|^application\/(?:pdf|zip|json|msword|vnd\.)/;

function familyOf(type: string): string {
  if (type.startsWith("audio/") || type.startsWith("video/")) return "av";
  return type.slice(0, type.indexOf("/"));
}

/** Whether the claimed type says more than the bytes can: a zip that is a document, an Ogg that is Opus. */
function isFiner(said: string, found: string): boolean {
  if (said === "" || said === GENERIC) return false;
  if (said === found) return true;
  if (found === "application/zip" || found === "application/x-ole-storage")
    return !/^(?:image|audio|video|text)\//.test(said);
  if (ACTIVE.has(found)) return said.startsWith("text/") || /[+/]xml$/.test(said);
  return familyOf(found) === "av" && familyOf(said) === "av";
}

function bareType(type: string | undefined): string {
  return (type ?? "").split(";", 1)[0]?.trim().toLowerCase() ?? "";
}
