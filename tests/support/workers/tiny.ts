/** A Worker with the hub's bindings and classes and next to no behaviour, to test the local runtime with. */
import { DurableObject } from "cloudflare:workers";
import { logLine } from "../../../platform/log.ts";

// Everything the hub exports, but for what is declared below.
export * from "../../../workers/hub.ts";

interface TinyEnv {
  readonly CONVERSATION: DurableObjectNamespace<Conversation>;
  readonly DB: D1Database;
  readonly INBOUND_0: Queue<string>;
  readonly STORE: R2Bucket;
  readonly SIMULATORS: string;
}

/** Keeps texts; an alarm adds one of its own. */
export class Conversation extends DurableObject {
  constructor(state: DurableObjectState, env: unknown) {
    super(state, env as never);
    state.storage.sql.exec("CREATE TABLE IF NOT EXISTS note (text TEXT PRIMARY KEY) WITHOUT ROWID");
  }

  async add(text: string, alarmInMs: number): Promise<void> {
    this.ctx.storage.sql.exec("INSERT OR IGNORE INTO note VALUES (?)", text);
    await this.ctx.storage.setAlarm(Date.now() + alarmInMs);
  }

  override async alarm(): Promise<void> {
    await note(this.env as unknown as TinyEnv, "alarm");
  }
}

// biome-ignore lint/style/noDefaultExport: a Worker module is its default export
export default {
  async fetch(request: Request, env: TinyEnv): Promise<Response> {
    const url = new URL(request.url);
    const text = url.searchParams.get("text") ?? "";
    if (url.pathname === "/add") {
      await env.CONVERSATION.getByName("one").add(text, Number(url.searchParams.get("alarmInMs")));
    } else if (url.pathname === "/queue") {
      await env.INBOUND_0.send(text);
    } else if (url.pathname === "/store") {
      await env.STORE.put("text", text);
    } else if (url.pathname === "/log") {
      await logMuch();
    } else if (url.pathname === "/call") {
      return fetch(text);
    }
    const { results } = await env.DB.prepare("SELECT id FROM tenants ORDER BY id").all();
    return Response.json({
      noted: results.map((row) => row.id),
      stored: await (await env.STORE.get("text"))?.text(),
      simulators: env.SIMULATORS,
    });
  },
  async queue(batch: MessageBatch<string>, env: TinyEnv): Promise<void> {
    await note(env, `${batch.queue}:${batch.messages[0]?.body}`);
  },
  async scheduled(event: ScheduledController, env: TinyEnv): Promise<void> {
    await note(env, `cron:${event.cron}`);
  },
};

/** Some megabytes, over some time: far more than a pipe holds. */
async function logMuch(): Promise<void> {
  const x = "x".repeat(128);
  const ids = { tenant: x, connection: x, conversation: x, message: x, turn: x, job: x, key: x };
  for (let round = 0; round < 40; round++) {
    for (let made = 0; made < 100; made++) logLine("much.logged", ids);
    await scheduler.wait(5);
  }
}

async function note(env: TinyEnv, id: string): Promise<void> {
  await env.DB.prepare("INSERT OR IGNORE INTO tenants VALUES (?, 'n', '{}', NULL, 0, 0, 1)")
    .bind(id)
    .run();
}
