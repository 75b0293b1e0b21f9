/**
 * What both peers of the whole-stack comparison share: the row in PostgreSQL that is there before the answer, the
 * job in BullMQ, and the worker that replies and writes the reply's row. JavaScript, so that the hub's type check
 * does not need the peers installed.
 */
import { createServer } from "node:http";
import { Queue, Worker } from "bullmq";
import { Redis } from "ioredis";
import pg from "pg";

const QUEUE = "messages";
/** As many as the hub's consumer works on at once. */
const CONCURRENCY = 20;

const TABLE = `CREATE TABLE IF NOT EXISTS messages (
  event_id text PRIMARY KEY, conversation text NOT NULL, direction text NOT NULL, content text NOT NULL,
  platform_id text, created_at timestamptz NOT NULL DEFAULT now())`;
const INSERT = `INSERT INTO messages (event_id, conversation, direction, content, platform_id)
  VALUES ($1, $2, $3, $4, $5) ON CONFLICT (event_id) DO NOTHING`;

/** `reply(conversation, text)` resolves to the platform's id. Resolves to how a message is taken in. */
export async function startStack(reply) {
  const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 10 });
  // BullMQ asks for `null`: a blocking read has no end.
  const connection = new Redis(Number(process.env.REDIS_PORT), "127.0.0.1", {
    maxRetriesPerRequest: null,
  });
  await pool.query(TABLE);
  const queue = new Queue(QUEUE, { connection });
  const worker = new Worker(QUEUE, ({ data }) => answer(pool, reply, data), {
    connection,
    concurrency: CONCURRENCY,
  });
  await Promise.all([queue.waitUntilReady(), worker.waitUntilReady()]);
  await serveRows(pool);
  return {
    /** Durable when it resolves: the row first, then the job. A repeated event adds no job. */
    takeIn: async ({ id, conversation, text }) => {
      const { rowCount } = await pool.query(INSERT, [id, conversation, "inbound", text, null]);
      if (rowCount === 0) return;
      await queue.add("reply", { id, conversation, text }, { jobId: id, removeOnComplete: 1000 });
    },
  };
}

async function answer(pool, reply, { id, conversation, text }) {
  const said = `echo: ${text}`;
  const platformId = await reply(conversation, said);
  await pool.query(INSERT, [`${id}:reply`, conversation, "outbound", said, platformId]);
}

/** The benchmark asks here whether a row is there. */
function serveRows(pool) {
  const server = createServer(async (request, response) => {
    const text = decodeURIComponent((request.url ?? "/").slice(1));
    const { rowCount } = await pool.query(
      "SELECT 1 FROM messages WHERE content = $1 AND direction = 'inbound'",
      [text],
    );
    response.writeHead(rowCount ? 200 : 404).end();
  });
  return new Promise((resolve) => {
    server.listen(Number(process.env.ROWS_PORT), "127.0.0.1", resolve);
  });
}

/** A message out of Slack's event, or undefined. */
export function messageOf(body) {
  const { event, event_id: id } = body;
  if (event?.type !== "message" || event.subtype || event.bot_id) return undefined;
  return { id, conversation: event.channel, text: event.text };
}
