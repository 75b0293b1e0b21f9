/** Fetching files: the bot token goes to Slack's file host and nowhere else. */
import { describe, expect, it } from "vitest";
import {
  fileInfoRequest,
  fileRequest,
  isLoginPage,
  readFileInfo,
} from "../../../../channels/slack/file-download.ts";
import { CONNECTION } from "./webhooks.ts";

const URL_PRIVATE = "https://files.slack.com/files-pri/T0ACME-F0IMAGE/scan.png";

describe("fileRequest", () => {
  it("asks Slack with the bot token", () => {
    expect(fileRequest(URL_PRIVATE, CONNECTION)).toMatchObject({
      method: "GET",
      url: URL_PRIVATE,
      headers: { authorization: "Bearer xoxb-test" },
    });
  });

  it.each([
    "https://files.slack.com.evil.test/x",
    "http://files.slack.com/x",
    "https://evil.test/",
    "no url",
  ])("does not take the token to %s", (url) => {
    expect(fileRequest(url, CONNECTION)).toBeUndefined();
  });

  it("needs a token", () => {
    const bare = { ...CONNECTION, credentials: { signingSecret: "s" } };
    expect(fileRequest(URL_PRIVATE, bare)).toBeUndefined();
    expect(fileInfoRequest("F0IMAGE", bare)).toBeUndefined();
  });
});

describe("files.info", () => {
  const read = (answer: unknown, status = 200) =>
    readFileInfo(status, typeof answer === "string" ? answer : JSON.stringify(answer), CONNECTION);

  it("leads from an id to a URL", () => {
    expect(fileInfoRequest("F0IMAGE", CONNECTION)).toMatchObject({
      url: "https://slack.com/api/files.info",
      body: { as: "form", fields: { file: "F0IMAGE" } },
    });
    expect(read({ ok: true, file: { id: "F0IMAGE", url_private: URL_PRIVATE } })).toEqual({
      from: "url",
      url: URL_PRIVATE,
    });
  });

  it.each([
    [
      { ok: true, file: { id: "F0", url_private: "https://docs.example.com/x" } },
      200,
      "external_file",
    ],
    [{ ok: true, file: { id: "F0", mode: "tombstone" } }, 200, "tombstone"],
    [{ ok: true }, 200, "external_file"],
    [{ ok: false, error: "file_not_found" }, 200, "file_not_found"],
    [{ ok: false, error: "some words" }, 200, "http_200"],
    ["<html>", 502, "http_502"],
    ["<html>", 200, "http_200"],
  ])("refuses %j (HTTP %i) as %s", (answer, status, reason) => {
    expect(read(answer, status)).toEqual({ from: "refused", reason });
  });

  it("knows a sign-in page by its media type", () => {
    expect(isLoginPage("text/html; charset=utf-8", "image/png")).toBe(true);
    expect(isLoginPage("image/png", "image/png")).toBe(false);
    expect(isLoginPage("text/html", "text/html")).toBe(false);
    expect(isLoginPage(null, undefined)).toBe(false);
  });
});
