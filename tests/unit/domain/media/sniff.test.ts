import { describe, expect, test } from "vitest";
import { judgeType, sniffType } from "../../../../domain/media/sniff.ts";
import type { MediaKind } from "../../../../schema/message.ts";

const bytes = (latin1: string) => Uint8Array.from(latin1, (char) => char.charCodeAt(0));

const PNG = "\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
const MP4 = "\0\0\0\x18ftypmp42";
const OGG = "OggS\0\x02\0\0";
const HTML = "<!DOCTYPE html><script>alert(1)</script>";
const SVG = '<?xml version="1.0"?>\n<svg onload="alert(1)"/>';
const EXE = "MZ\x90\0\x03\0\0\0\x04";
const ZIP = "PK\x03\x04\x14\0";
const DOCX = `${ZIP}[Content_Types].xml....word/document.xml`;

describe("sniffType", () => {
  test.each([
    [PNG, "image/png"],
    ["\xff\xd8\xff\xe0", "image/jpeg"],
    ["GIF89a", "image/gif"],
    ["RIFF\x10\0\0\0WEBPVP8 ", "image/webp"],
    ["RIFF\x10\0\0\0WAVEfmt ", "audio/wav"],
    ["\0\0\0\x18ftypheic", "image/heic"],
    ["\0\0\0\x18ftypavif", "image/avif"],
    ["\0\0\0\x18ftypM4A ", "audio/mp4"],
    ["\0\0\0\x18ftypqt  ", "video/quicktime"],
    [MP4, "video/mp4"],
    ["\x1aE\xdf\xa3", "video/webm"],
    [OGG, "audio/ogg"],
    ["ID3\x04", "audio/mpeg"],
    ["\xff\xfb\x90\x64", "audio/mpeg"],
    ["\xff\xf1\x50\x80", "audio/aac"],
    ["#!AMR\n", "audio/amr"],
    ["%PDF-1.7", "application/pdf"],
    [ZIP, "application/zip"],
    [DOCX, "application/vnd.openxmlformats-officedocument.wordprocessingml.document"],
    ["\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage"],
    [EXE, "application/x-msdownload"],
    ["\x7fELF\x02", "application/x-elf"],
    ["#!/bin/sh\n", "application/x-sh"],
    [HTML, "text/html"],
    [`\xef\xbb\xbf \n\t${HTML}`, "text/html"],
    ["<SCRIPT>x", "text/html"],
    ["<html", "text/html"],
    ["\xff\xfe<\0h\0t\0m\0l\0>\0", "text/html"],
    [SVG, "image/svg+xml"],
    ["<svg/onload=1>", "image/svg+xml"],
    ["<?xml version='1.0'?><note/>", "text/xml"],
    ["<!-- x --><svg>", "text/html"],
    ["hello", undefined],
    ["MZ is how this text begins", undefined],
    ["a < b and <3", undefined],
    ["", undefined],
  ])("%j is %s", (head, type) => {
    expect(sniffType(bytes(head))).toBe(type);
  });
});

describe("judgeType", () => {
  const judge = (kind: MediaKind, claimed: string | undefined, head: string) =>
    judgeType(kind, claimed, bytes(head));

  test.each<[MediaKind, string | undefined, string]>([
    ["image", "image/png", HTML],
    ["image", "image/svg+xml", SVG],
    ["image", "image/jpeg", ZIP],
    ["image", undefined, "%PDF-1.4"],
    ["sticker", "image/webp", HTML],
    ["audio", "audio/ogg", HTML],
    ["voice", "audio/ogg; codecs=opus", PNG],
    ["video", "video/mp4", EXE],
    ["document", "application/pdf", HTML],
    ["document", "image/png", HTML],
    ["document", "image/svg+xml", HTML],
    ["document", "application/pdf", EXE],
    ["document", "text/plain", "#!/bin/sh\n"],
    ["document", "application/vnd.ms-excel", EXE],
    ["document", "image/png", "%PDF-1.4"],
  ])("%s claimed as %s is refused: %j", (kind, claimed, head) => {
    expect(judge(kind, claimed, head)).toMatchObject({
      ok: false,
      failure: { reason: "type_mismatch" },
    });
  });

  test.each<[MediaKind, string | undefined, string, string, string]>([
    ["image", "image/jpeg", PNG, "image/png", "image/png"],
    ["image", undefined, PNG, "image/png", "image/png"],
    ["voice", "audio/ogg; codecs=opus", OGG, "audio/ogg; codecs=opus", "audio/ogg; codecs=opus"],
    ["voice", "audio/mp4", MP4, "audio/mp4", "audio/mp4"],
    ["video", "video/webm", "\x1aE\xdf\xa3", "video/webm", "video/webm"],
    ["sticker", "image/webp", "RIFF\x10\0\0\0WEBP", "image/webp", "image/webp"],
    ["document", "application/epub+zip", ZIP, "application/epub+zip", "application/epub+zip"],
    [
      "document",
      "application/msword",
      "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
      "application/msword",
      "application/msword",
    ],
    ["document", "application/octet-stream", "%PDF-1", "application/pdf", "application/pdf"],
    ["document", "text/html", HTML, "text/html", "application/octet-stream"],
    ["document", "text/plain", HTML, "text/plain", "text/plain"],
    ["document", undefined, HTML, "text/html", "application/octet-stream"],
    ["document", "image/svg+xml", SVG, "image/svg+xml", "application/octet-stream"],
    [
      "document",
      "application/x-msdownload",
      EXE,
      "application/x-msdownload",
      "application/x-msdownload",
    ],
    ["image", "image/jxl", "\xff\x0a", "image/jxl", "application/octet-stream"],
    ["document", "text/csv", "a;b", "text/csv", "text/csv"],
    ["document", "text/html", "a;b", "text/html", "application/octet-stream"],
    ["document", undefined, "a;b", "application/octet-stream", "application/octet-stream"],
  ])("%s claimed as %s: %j is %s, served as %s", (kind, claimed, head, mimeType, servedType) => {
    expect(judge(kind, claimed, head)).toEqual({ ok: true, value: { mimeType, servedType } });
  });
});
