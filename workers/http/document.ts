/** What the OpenAPI document says of the hub as a whole; its operations come from the declared routes. */

export const DOCUMENT_INFO = {
  title: "omni-edge",
  version: "1.0.0",
  description:
    "Messaging and AI-orchestration hub. Errors are RFC 9457 problems; lists are pages with an opaque cursor.",
  license: { name: "MIT", identifier: "MIT" },
  contact: { name: "The operator of this hub" },
} as const;

/** By tag. A tag that is not here stands in the document without a description. */
const TAGS: Readonly<Record<string, string>> = {
  tenants: "Customers of this hub, and how it treats them",
  connections: "A tenant's accounts on the channels, as the hub knows them",
  instances: "The same accounts, as their platforms know them",
  "api-keys": "What a tenant's programs prove themselves with",
  "access-rules": "Whom a tenant's agents answer",
  messages: "What was said, in and out",
  conversations: "Who has a conversation, and what it waits for",
  "dead letters": "What was given up on, to be replayed or discarded",
  events: "What happened, as it is published and kept",
  "event types": "What may be published, and how it looks",
  subscriptions: "Who wants which events, how they are handed over, and how far behind that is",
  deliveries: "Every attempt to hand an event over",
  replays: "Going through past events, or dead letters, once more",
  "alert rules": "What is watched in the event queues",
  archive: "What was put away for long, and whether it is whole",
  audit: "Who did what, and whether that record is as it was written",
  workflows: "Definitions of processes, their versions and who gets which",
  runs: "Processes under way and done",
  tasks: "Questions to people",
  schedules: "What starts by the clock",
  secrets: "What actions prove themselves with; never read back",
  data: "A tenant's own small data",
  operations: "How the hub itself is",
  webhooks: "Where the platforms deliver",
};

interface MadeDocument {
  readonly paths?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

/** Adds where the hub is, and a list of the tags that its operations have. */
export function completeDocument(made: object, publicUrl: string): object {
  const operations = Object.values((made as MadeDocument).paths ?? {}).flatMap(Object.values);
  const names = new Set((operations as { tags?: string[] }[]).flatMap(({ tags }) => tags ?? []));
  const tags = [...names].map((name) => ({
    name,
    ...(TAGS[name] === undefined ? {} : { description: TAGS[name] }),
  }));
  return { ...made, servers: [{ url: publicUrl }], tags };
}
