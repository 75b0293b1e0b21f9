/**
 * The conformance command: on a directory of its own, and on the shared fixtures, where every Evolution
 * payload's meaning is written down by hand.
 */
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runConformance } from "../../dev/conformance/run.ts";
import { CAPTURED, EVOLUTION } from "./conformance-table.ts";

const NOW_MS = Date.UTC(2026, 10, 21);
const FIXTURES = join(import.meta.dirname, "../../../shared/fixtures");
const present = existsSync(join(FIXTURES, "evolution"));
const ANA = "5511900000002@s.whatsapp.net";

describe("the conformance command", () => {
  const directory = mkdtempSync(join(tmpdir(), "conformance-"));
  const text = {
    event: "messages.upsert",
    instance: "any",
    data: { key: { id: "A1", remoteJid: ANA, fromMe: false }, message: { conversation: "oi" } },
  };

  beforeAll(() => {
    write("evolution/text.json", JSON.stringify(text));
    write(
      "evolution/captured.json",
      JSON.stringify({ method: "POST", path: "/w/e/c", headers: {}, body: text }),
    );
    write("evolution/list.json", "[]");
    write("evolution/broken.json", "{");
    write("evolution/readme.md", "not a payload");
    write(
      "slack/command.json",
      JSON.stringify({
        command: "/x",
        team_id: "T1",
        channel_id: "C1",
        user_id: "U1",
        text: "hi",
        trigger_id: "1.2",
      }),
    );
    write(
      "discord/ping.json",
      JSON.stringify({ type: 1, id: "1", application_id: "5", token: "t", version: 1 }),
    );
    write("pigeon/letter.json", "{}");
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  it("gives a line a file, in order, and names what it does not cover", () => {
    const { lines, notCovered, broken } = runConformance(directory, NOW_MS);
    expect(lines.map(({ file, outcome, reason }) => [file, outcome, reason])).toEqual([
      ["discord/ping.json", "ack", undefined],
      ["evolution/broken.json", "failure", "invalid_json"],
      ["evolution/captured.json", "messages", undefined],
      ["evolution/list.json", "ignored", "not_a_webhook"],
      ["evolution/text.json", "messages", undefined],
      ["slack/command.json", "messages", undefined],
    ]);
    expect(notCovered).toEqual(["pigeon"]);
    expect(broken).toBe(false);
  });

  it("prints the same each time, with the receipt's time where there is no other", () => {
    const first = runConformance(directory, NOW_MS);
    expect(runConformance(directory, NOW_MS)).toEqual(first);
    const message = first.lines.find(({ file }) => file === "evolution/text.json")?.messages?.[0];
    expect(message).toMatchObject({
      id: expect.stringMatching(/^msg_[0-9a-f]{22}$/),
      conversation: expect.stringMatching(/^cnv_[0-9a-f]{22}$/),
      timestamp: "2026-11-21T00:00:00.000Z",
      eventKey: `any:${ANA}:A1`,
    });
  });

  it("throws where there is nothing to read", () => {
    expect(() => runConformance(join(directory, "missing"), NOW_MS)).toThrow();
  });

  function write(name: string, content: string): void {
    mkdirSync(join(directory, name, ".."), { recursive: true });
    writeFileSync(join(directory, name), content);
  }
});

const reason = present ? "" : " (skipped: ../shared/fixtures is not here)";

describe.skipIf(!present)(`the shared fixtures${reason}`, () => {
  const result = present ? runConformance(FIXTURES, NOW_MS) : undefined;
  const linesOf = (folder: string) =>
    (result?.lines ?? []).filter(({ file }) => file.startsWith(`${folder}/`));

  it("break no parser", () => {
    expect(result?.broken).toBe(false);
    expect(result?.lines.filter(({ outcome }) => outcome === "failure")).toEqual([]);
  });

  it.each(["slack", "discord"])("of %s become something", (folder) => {
    expect(linesOf(folder).filter(({ outcome }) => outcome === "messages").length).toBeGreaterThan(
      5,
    );
  });

  it.each([
    ["evolution", EVOLUTION],
    ["evolution-captured", CAPTURED],
  ])("of %s are all in the table", (folder, table) => {
    const names = linesOf(folder).map(({ file }) => file.slice(folder.length + 1));
    expect(names).toEqual(Object.keys(table).toSorted());
  });

  it.each([
    ...Object.entries(EVOLUTION).map(([name, is]) => [`evolution/${name}`, is] as const),
    ...Object.entries(CAPTURED).map(([name, is]) => [`evolution-captured/${name}`, is] as const),
  ])("%s", (file, expected) => {
    const line = result?.lines.find((one) => one.file === file);
    expect(line).toMatchObject(expected);
    expect(line?.messages?.length).toBe(expected.messages?.length);
    const target = line?.messages?.[0]?.target_id;
    expect(target).toBe((expected.messages?.[0] as { target_id?: string } | undefined)?.target_id);
  });
});
