/**
 * Describes the doors that are served beside the API, so that one document tells the whole of what the hub
 * answers: the webhooks of the platforms and the signed links to files. Describes only; `workers/door` serves.
 */
import * as z from "zod";
import { Id } from "../../schema/connection.ts";

/** How each platform proves itself. Stands beside the keys in the document's security schemes. */
export const DOOR_SECURITY_SCHEMES = {
  evolutionSecret: {
    type: "apiKey",
    in: "header",
    name: "x-webhook-secret",
    description: "The connection's `webhookSecret`, which our webhook registration sets",
  },
  evolutionToken: {
    type: "http",
    scheme: "bearer",
    bearerFormat: "JWT",
    description: "HS256 token signed with the connection's `jwtKey`",
  },
  slackSignature: {
    type: "apiKey",
    in: "header",
    name: "x-slack-signature",
    description: "`v0=` and HMAC-SHA-256 over `v0:x-slack-request-timestamp:body`",
  },
  discordSignature: {
    type: "apiKey",
    in: "header",
    name: "x-signature-ed25519",
    description: "Ed25519 over `x-signature-timestamp` and body",
  },
} as const;

/** Schema of a door's refusals. */
const DoorProblem = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    code: z.enum([
      "bad_request",
      "unauthorized",
      "not_found",
      "method_not_allowed",
      "payload_too_large",
      "unsupported_media_type",
      "rate_limited",
      "unavailable",
    ]),
  })
  .meta({ id: "DoorProblem", title: "Problem details of a door (RFC 9457)" });

const PROBLEM = { content: { "application/problem+json": { schema: DoorProblem } } };
const WAIT = {
  ...PROBLEM,
  headers: {
    "retry-after": {
      description: "Seconds until it is worth sending it again",
      schema: { type: "integer" as const, minimum: 1 },
    },
  },
};
const EVENT = z.looseObject({}).describe("The platform's own payload, read once as raw bytes");
const FORM = z.string().describe("The platform's own form, read once as raw bytes");

const WEBHOOK_REFUSALS = {
  400: { description: "The body could not be read to its end", ...PROBLEM },
  401: { description: "Not signed, or not by this connection's platform", ...PROBLEM },
  404: { description: "No such active connection", ...PROBLEM },
  405: { description: "Not a POST", ...PROBLEM },
  413: { description: "Larger than this channel's payloads are", ...PROBLEM },
  415: { description: "A content type this channel never sends", ...PROBLEM },
  429: { description: "The tenant's or the conversation's messages have to wait", ...WAIT },
  503: { description: "Could not be made durable: send it again", ...WAIT },
} as const;

interface Door {
  /** The word in the path and in operation ids. */
  readonly word: string;
  readonly name: string;
  readonly security: readonly Readonly<Record<string, readonly string[]>>[];
  /** How the channel-wide form finds its connection. */
  readonly located: string;
  readonly types: readonly string[];
  /** 200, and what else this platform wants for an acknowledgement. */
  readonly acks: Readonly<Record<number, { readonly description: string }>>;
}

const DOORS: readonly Door[] = [
  {
    word: "evolution",
    name: "Evolution API",
    security: [{ evolutionSecret: [] }, { evolutionToken: [] }],
    located: "the instance's name in the body",
    types: ["application/json"],
    acks: {},
  },
  {
    word: "discord",
    name: "Discord",
    security: [{ discordSignature: [] }],
    located: "the application's id in the body",
    types: ["application/json"],
    acks: { 204: { description: "A Webhook Event is taken in" } },
  },
  {
    word: "slack",
    name: "Slack",
    security: [{ slackSignature: [] }],
    located: "the team's and the app's id in the body",
    types: ["application/json", "application/x-www-form-urlencoded"],
    acks: {},
  },
];

/** What the document's registry is told. */
export interface DocumentedPath {
  readonly method: "get" | "post";
  readonly path: string;
  readonly [member: string]: unknown;
}

/** Every door, as operations of the document. */
export function doorPaths(): readonly DocumentedPath[] {
  return [...DOORS.flatMap((door) => [channelWide(door), ofConnection(door)]), mediaPath()];
}

function channelWide(door: Door): DocumentedPath {
  return {
    ...webhook(door),
    path: `/webhooks/${door.word}`,
    operationId: `${door.word}Webhook`,
    summary: `Webhook of ${door.name}, for every connection`,
    description: `The connection is found by ${door.located}, and has to have signed it. ${TAKEN_IN}`,
    request: { body: bodyOf(door) },
  };
}

function ofConnection(door: Door): DocumentedPath {
  const connection = Id.describe(
    "The connection's id, or that of a tenant with exactly one active connection of this kind",
  );
  return {
    ...webhook(door),
    path: `/webhooks/${door.word}/{connection}`,
    operationId: `${door.word}ConnectionWebhook`,
    summary: `Webhook of ${door.name}, for one connection`,
    description: `${door.word === "evolution" ? BY_EVENTS : ""}${TAKEN_IN}`,
    request: { params: z.strictObject({ connection }), body: bodyOf(door) },
  };
}

const TAKEN_IN =
  "An answer of 2xx means that the message is durable. What is signed and cannot be read is kept as a dead letter, and is 200 too.";
const BY_EVENTS = "The name of the event may follow the connection, as with webhooks by events. ";

function webhook({ security, acks }: Door) {
  const taken = {
    200: {
      description: "Taken in, or the answer the platform asked for (a challenge, a PING)",
      content: {
        "application/json": { schema: z.unknown() },
        "text/plain": { schema: z.string() },
      },
    },
  };
  return {
    method: "post" as const,
    tags: ["webhooks"],
    security,
    responses: { ...taken, ...acks, ...WEBHOOK_REFUSALS },
  };
}

function bodyOf({ types }: Door) {
  const content = types.map((type) => [
    type,
    { schema: type === "application/json" ? EVENT : FORM },
  ]);
  return { required: true, content: Object.fromEntries(content) };
}

function mediaPath(): DocumentedPath {
  return {
    method: "get",
    path: "/media/{tenant}/{month}/{message}/{index}",
    operationId: "getMedia",
    tags: ["messages"],
    summary: "A stored file, by a signed link that ends",
    description: "The link is the permission: `GET /messages/{message}/media/{index}` gives one.",
    security: [],
    request: {
      params: z.strictObject({
        tenant: Id,
        month: z.string().regex(/^\d{4}-\d{2}$/),
        message: z.string().max(128),
        index: z.string().regex(/^\d{1,3}$/),
      }),
      query: z.strictObject({
        expires: z.string().describe("Seconds since the epoch"),
        signature: z.string().regex(/^[\da-f]{64}$/),
      }),
    },
    responses: {
      200: {
        description: "The file, to be downloaded and not shown",
        content: { "*/*": { schema: z.string().meta({ format: "binary" }) } },
      },
      404: { description: "The link opens nothing, or has ended", ...PROBLEM },
      405: { description: "Not a GET or HEAD", ...PROBLEM },
    },
  };
}
