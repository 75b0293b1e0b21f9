/** auth.*, team.*, users.* and files.* of the Web API, with the three-step upload. */
import { randomBytes } from "node:crypto";
import { asRecord, asText, type Reply, type SimRequest } from "../http.ts";
import { storePost } from "./chat-methods.ts";
import { type Answer, type Method, type MethodCall, refuse, structured } from "./method.ts";
import { addFile, fileObject, type SlackFile, type World } from "./world.ts";

/** Largest file. Source: Slack file limits, 1 GB. */
const FILE_BYTES_MAX = 1_000_000_000;

/** Methods by name. */
export const OTHER_METHODS: Readonly<Record<string, Method>> = {
  "api.test": () => ({}),
  "auth.test": ({ world, team }) => ({
    url: `${world.url}/`,
    team: team.name,
    team_id: team.teamId,
    user: "hub",
    user_id: team.botUserId,
    bot_id: team.botId,
    is_enterprise_install: false,
  }),
  "auth.revoke": ({ world, team, token }) => {
    team.tokens.delete(token);
    world.deadTokens.set(token, "token_revoked");
    return { revoked: true };
  },
  "team.info": ({ team }) => ({
    team: { id: team.teamId, name: team.name, domain: "example-workspace" },
  }),
  "users.info": ({ args, team }) => {
    const id = asText(args.user);
    if (id === undefined || !/^[UW]/.test(id)) return refuse("user_not_found");
    const isBot = id === team.botUserId;
    const profile = { real_name: `Person ${id}`, display_name: isBot ? "hub" : "person" };
    return { user: { id, team_id: team.teamId, name: "person", is_bot: isBot, profile } };
  },
  "files.getUploadURLExternal": startUpload,
  "files.completeUploadExternal": completeUpload,
  "files.info": ({ world, team, args }) => {
    const file = world.files.get(asText(args.file) ?? "");
    if (file === undefined || file.team !== team.teamId) return refuse("file_not_found");
    return { file: fileObject(world, file), comments: [] };
  },
  "files.upload": () => refuse("method_deprecated"),
};

/** `POST /upload/v1/{file id}`: the bytes of a started upload, raw or as a form. */
export function receiveUpload(world: World, request: SimRequest): Reply {
  const id = request.path.split("/").at(-1) ?? "";
  const file = world.files.get(id);
  if (file === undefined || file.complete) return { status: 404, body: "upload url expired" };
  file.bytes = request.files[0]?.bytes ?? request.raw;
  return { status: 200, body: `OK - ${file.bytes.length}` };
}

/** `GET /files-pri/{team}-{file}/...`: bytes for a valid token of the team, a login page with 200 for any other. */
export function download(world: World, request: SimRequest, token: string | undefined): Reply {
  const id = request.path.split("/")[2]?.split("-")[1] ?? "";
  const file = world.files.get(id);
  if (file === undefined) return { status: 404, body: "file not found" };
  const owner = world.teams.find(
    ({ teamId, tokens }) => teamId === file.team && token !== undefined && tokens.has(token),
  );
  if (owner === undefined) return loginPage();
  return { status: 200, headers: { "content-type": file.mimetype }, body: file.bytes };
}

function startUpload({ world, team, args }: MethodCall): Answer {
  const name = asText(args.filename);
  const length = Number(args.length);
  if (name === undefined || name === "") return refuse("invalid_arguments");
  if (!Number.isInteger(length) || length < 1) return refuse("invalid_arguments");
  if (length > FILE_BYTES_MAX) return refuse("file_upload_size_restricted");
  const file = addFile(world, {
    team: team.teamId,
    name,
    mimetype: mimeOf(name),
    bytes: Buffer.alloc(0),
    complete: false,
  });
  const upload_url = `${world.url}/upload/v1/${randomBytes(8).toString("hex")}/${file.id}`;
  return { upload_url, file_id: file.id };
}

function completeUpload(call: MethodCall): Answer {
  const { world, team, args } = call;
  const listed = structured(args.files);
  if (!Array.isArray(listed) || listed.length === 0) return refuse("invalid_arguments");
  const files: SlackFile[] = [];
  for (const entry of listed) {
    const file = world.files.get(asText(asRecord(entry).id) ?? "");
    if (file === undefined || file.team !== team.teamId || file.bytes.length === 0) {
      return refuse("file_not_found");
    }
    file.complete = true;
    file.title = asText(asRecord(entry).title) ?? file.name;
    files.push(file);
  }
  const channel = asText(args.channel_id) ?? asText(args.channels);
  const objects = files.map((file) => fileObject(world, file));
  if (channel !== undefined) {
    const error = world.channelErrors.get(channel);
    if (error !== undefined) return refuse(error);
    const threadTs = asText(args.thread_ts);
    storePost(call, channel, {
      text: asText(args.initial_comment) ?? "",
      subtype: "file_share",
      files: objects,
      ...(threadTs !== undefined && { thread_ts: threadTs }),
    });
  }
  return { files: objects };
}

const MIME: Readonly<Record<string, string>> = {
  png: "image/png",
  jpg: "image/jpeg",
  pdf: "application/pdf",
  ogg: "audio/ogg",
  txt: "text/plain",
};

function mimeOf(name: string): string {
  return MIME[name.split(".").at(-1)?.toLowerCase() ?? ""] ?? "application/octet-stream";
}

function loginPage(): Reply {
  const body = "<!DOCTYPE html><html><head><title>Slack</title></head><body>Sign in</body></html>";
  return { status: 200, headers: { "content-type": "text/html; charset=utf-8" }, body };
}
