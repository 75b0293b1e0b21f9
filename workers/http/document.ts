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
