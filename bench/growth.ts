/**
 * Fills a database with a hundred times more tenants, conversations and messages than the benchmark itself
 * makes, one statement per table, so that what a message costs can be counted again among them.
 */

/** How much is there besides what is measured. */
export interface Growth {
  readonly tenants: number;
  readonly conversations: number;
  readonly messages: number;
  /** Sent through the door into one measured conversation. */
  readonly messagesInConversation: number;
}

export const GROWTH: Growth = {
  tenants: 100,
  conversations: 1000,
  messages: 20_000,
  messagesInConversation: 100,
};

/** Copies of the one tenant and its rows under other names. Half of the messages belong to the same tenant. */
export async function growDatabase(db: D1Like): Promise<Growth> {
  const { tenants, conversations, messages } = GROWTH;
  await db.prepare(copies(TENANTS, tenants)).run();
  await db.prepare(copies(CONNECTIONS, tenants)).run();
  await db.prepare(copies(CONVERSATIONS, conversations)).run();
  const { results } = await db.prepare(MESSAGE_TABLES).all<{ readonly name: string }>();
  for (const { name } of results) {
    await db.prepare(copies(messagesInto(name), messages / results.length)).run();
  }
  return GROWTH;
}

/** The part of a database this needs; Miniflare's own type for it differs from the Worker's. */
export interface D1Like {
  prepare(sql: string): {
    run(): Promise<unknown>;
    all<Row>(): Promise<{ readonly results: readonly Row[] }>;
  };
}

/** An insert that selects from `numbers(n)`, 1 to `count`. */
function copies(insert: string, count: number): string {
  const [into, select] = insert.split(" SELECT ");
  return `${into} WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ${count}) SELECT ${select}`;
}

const TENANTS =
  "INSERT INTO tenants (id, name, config, created_at, updated_at, active) SELECT 'grown-' || n, t.name, t.config, t.created_at, t.updated_at, 1 FROM numbers, (SELECT * FROM tenants LIMIT 1) t";
const CONNECTIONS =
  "INSERT INTO connections (id, tenant_id, channel, provider, address, config, credentials, created_at, updated_at, active) SELECT 'grown-' || n || '-' || c.id, 'grown-' || n, c.channel, c.provider, c.address || n, c.config, c.credentials, c.created_at, c.updated_at, 1 FROM numbers, (SELECT * FROM connections LIMIT 10) c";
const CONVERSATIONS =
  "INSERT INTO conversations (tenant_id, id, connection_id, conversation_key, created_at, sweep_at) SELECT CASE n % 2 WHEN 0 THEN c.tenant_id ELSE 'grown-' || (n % 100) END, 'grown-' || n, c.connection_id, c.conversation_key || n, c.created_at, c.sweep_at + n FROM numbers, (SELECT * FROM conversations LIMIT 1) c";
const MESSAGE_TABLES =
  "SELECT name FROM sqlite_master WHERE type = 'table' AND name GLOB 'messages_[0-9]*'";
const NOW_MS = "(unixepoch() * 1000)";
const messagesInto = (table: string): string =>
  `INSERT INTO ${table} (tenant_id, id, conversation_id, connection_id, source, direction, kind, platform_id, content, metadata, created_at, status, status_rank) SELECT CASE n % 2 WHEN 0 THEN c.tenant_id ELSE 'grown-' || (n % 100) END, 'grown-' || n, CASE n % 4 WHEN 0 THEN c.id ELSE 'grown-' || n END, c.connection_id, 'whatsapp', CASE n % 2 WHEN 0 THEN 'outbound' ELSE 'inbound' END, 'text', 'GROWN' || n, '{}', '{}', ${NOW_MS} - n, 'delivered', 3 FROM numbers, (SELECT * FROM conversations WHERE id NOT GLOB 'grown-*' LIMIT 1) c`;
