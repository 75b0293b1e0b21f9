/** Gives a tenant one of everything the API can name, each with the tenant's planted word in it. */
import { randomBytes } from "node:crypto";
import { eventually } from "../runtime.ts";
import { plantTask } from "./tasks.ts";
import { plantWorkflow } from "./workflows.ts";
import type { PlantedWorld } from "./world.ts";

/** A tenant as the tests attack it: its ids, its keys, and the word that stands in all it owns. */
export interface Planted {
  readonly tenant: string;
  readonly word: string;
  readonly keys: {
    readonly all: string;
    readonly read: string;
    /** A key with a scope that no route needs. */
    readonly none: string;
    readonly revoked: string;
    readonly expired: string;
  };
  readonly connections: Readonly<Record<"whatsapp" | "slack" | "discord", string>>;
  readonly message: string;
  readonly conversation: string;
  readonly deadLetter: string;
  readonly apiKey: string;
  readonly rule: string;
  /** Of one version, and a run of it that has ended. */
  readonly workflow: string;
  readonly run: string;
  /** Open. */
  readonly task: string;
  /** Key of a stored file, as a message carries it. */
  readonly mediaKey: string;
}

/** One transparent pixel. */
const PNG =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==";

export async function plant(
  world: PlantedWorld,
  tenant: string,
  word: string,
  keys: { readonly all: string; readonly read: string; readonly none: string },
): Promise<Planted> {
  const connections = {
    whatsapp: `${tenant}-whatsapp`,
    slack: `${tenant}-slack`,
    discord: `${tenant}-discord`,
  };
  const taken = await world.must("POST", "/messages/unified", {
    id: `planted-${word}`,
    source: "whatsapp",
    tenant,
    connection: connections.whatsapp,
    content: {
      text: `a text of ${word}`,
      media: [{ kind: "image", source: { from: "inline", base64: PNG }, mime_type: "image/png" }],
      metadata: { word },
    },
    timestamp: new Date().toISOString(),
    sender: { id: tenant === "acme" ? "5511911110000" : "5511922220000", aliases: [], name: word },
  });
  const { id: message, conversation } = taken.body as { id: string; conversation: string };
  const expired = await makeKey(world, tenant, word, "2020-01-01T00:00:00Z");
  const revoked = await makeKey(world, tenant, word);
  await world.must("DELETE", `/tenants/${tenant}/api-keys/${revoked.id}`);
  const rule = await world.must("POST", `/tenants/${tenant}/access-rules`, {
    effect: "block",
    pattern: `blocked-${word}`,
    note: word,
  });
  return {
    tenant,
    word,
    keys: { ...keys, revoked: revoked.key, expired: expired.key },
    connections,
    message,
    conversation,
    deadLetter: await insertDeadLetter(world, tenant, word),
    apiKey: (await makeKey(world, tenant, word)).id,
    rule: (rule.body as { id: string }).id,
    ...(await plantWorkflow(world, { tenant, word })),
    ...(await plantTask(world, { tenant, word })),
    mediaKey: await storedKey(world, tenant, message),
  };
}

/** A key made by the API. */
export async function makeKey(
  world: PlantedWorld,
  tenant: string,
  word: string,
  expiresAt?: string,
): Promise<{ readonly id: string; readonly key: string }> {
  const { body } = await world.must("POST", `/tenants/${tenant}/api-keys`, {
    name: `key ${word}`,
    scopes: ["*"],
    ...(expiresAt === undefined ? {} : { expiresAt }),
  });
  return body;
}

/** A quarantined Slack message that can be read by now, so that a replay of it succeeds. */
export async function insertDeadLetter(
  world: PlantedWorld,
  tenant: string,
  word: string,
): Promise<string> {
  const id = `dl_${randomBytes(11).toString("hex")}`;
  const event = { type: "message", user: "U1", text: `dead ${word}`, ts: stamp(), channel: "C9" };
  const body = { team_id: `T${tenant.toUpperCase()}`, type: "event_callback", event, event_id: id };
  const payload = {
    suffix: "",
    contentType: "application/json",
    body: Buffer.from(JSON.stringify(body)).toString("base64"),
  };
  const db = await world.db();
  await db
    .prepare(
      `INSERT INTO dead_letters (tenant_id, id, stage, reason, connection_id, fingerprint, payload, history, state, created_at, expires_at)
       VALUES (?, ?, 'quarantine', ?, ?, ?, ?, '[]', 'dead', ?, ?)`,
    )
    .bind(
      tenant,
      id,
      `reason-${word}`,
      `${tenant}-slack`,
      `quarantine:${word}`,
      JSON.stringify(payload),
      Date.now(),
      Date.now() + 86_400_000,
    )
    .run();
  return id;
}

function stamp(): string {
  return `${Math.floor(Date.now() / 1000)}.${String(Math.floor(Math.random() * 1e6)).padStart(6, "0")}`;
}

/** Waits until the message's file is in the store. */
function storedKey(world: PlantedWorld, tenant: string, message: string): Promise<string> {
  return eventually(`the file of ${message}`, async () => {
    const { body } = await world.ask("GET", `/messages/${message}`, {
      key: world.hub.adminKey,
      query: { tenant },
    });
    const source = body?.content?.media[0]?.source;
    return source?.from === "stored" ? (source.key as string) : undefined;
  });
}
