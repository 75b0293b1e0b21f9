/**
 * How the hub's own objects reach it: the Discord Gateway for bots to connect and frames that take the webhooks' way
 * in, replays for dead letters that go back to where they failed.
 */
import { WorkerEntrypoint } from "cloudflare:workers";
import type { Located } from "../platform/directory.ts";
import { throughSeam } from "../platform/fault-seam.ts";
import { count } from "../platform/metrics.ts";
import type { RawWebhook, WebhookReading } from "../schema/parsed.ts";
import { takeIn } from "./door/take-in.ts";
import { isolateOf } from "./isolate.ts";
import type { LettersReplayed } from "./operations/replay-letters.ts";

export interface GatewayBot {
  readonly token: string;
  readonly url?: string;
  readonly applicationId: string;
}

export class GatewayIntake extends WorkerEntrypoint<Env> {
  /** What is needed to connect a bot; null where the connection is gone, off, or not meant to hold a socket. */
  async gatewayBot(connectionId: string): Promise<GatewayBot | null> {
    const located = await isolateOf(this.env).directory.byId(connectionId, Date.now());
    const connection = located?.connection;
    if (!located?.tenant.active || connection?.channel !== "discord") return null;
    const token = connection.credentials.botToken;
    if (connection.active === false || !connection.gateway || !token) return null;
    const { applicationId, baseUrl } = connection;
    return { token, applicationId, ...(baseUrl ? { url: baseUrl } : {}) };
  }

  /** Takes frames in, in order. Fewer accepted than given: the rest has to come again. */
  async gatewayFrames(connectionId: string, frames: string[]): Promise<{ accepted: number }> {
    const nowMs = Date.now();
    const env = await throughSeam(this.env);
    const located = await isolateOf(env).directory.byId(connectionId, nowMs);
    if (located?.connection.channel !== "discord") return { accepted: frames.length };
    let accepted = 0;
    for (const frame of frames) {
      if (!(await this.#frame(env, located, rawFrame(frame), nowMs))) break;
      accepted += 1;
    }
    return { accepted };
  }

  /** For a replay of dead letters. Rejects as D1 does. */
  async replayLetters(tenant: string, ids: string[]): Promise<LettersReplayed> {
    const env = await throughSeam(this.env);
    const { vars, directory } = isolateOf(env);
    const { replayLetters } = await import("./operations/replay-letters.ts");
    return replayLetters({ env, vars, directory }, tenant, ids);
  }

  /** False where it could not be made durable. */
  async #frame(env: Env, located: Located, raw: RawWebhook, nowMs: number): Promise<boolean> {
    const { discordReceiver } = await import("../channels/discord/receiver.ts");
    const read = discordReceiver.parse(raw, { connection: located.connection as never, nowMs });
    count("webhooks_total", { channel: "discord", outcome: read.ok ? "gateway" : "quarantined" });
    try {
      if (!read.ok) {
        const { quarantine } = await import("./door/quarantine.ts");
        await quarantine(env, located, raw, read.failure, nowMs);
      }
    } catch {
      return false;
    }
    const taken = await takeIn(env, located, read.ok ? read.value : NOTHING, nowMs);
    if (taken.ok) this.ctx.waitUntil(taken.value.after());
    return taken.ok;
  }
}

const NOTHING: Pick<WebhookReading, "messages" | "statuses"> = { messages: [], statuses: [] };

function rawFrame(frame: string): RawWebhook {
  return {
    method: "POST",
    suffix: "",
    header: () => null,
    body: new Uint8Array(new TextEncoder().encode(frame)),
  };
}
