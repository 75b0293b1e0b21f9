/** The life of an Evolution (WhatsApp) instance. */
import {
  connectRequest,
  createRequest,
  deleteRequest,
  logoutRequest,
  readDone,
  readQrCode,
  readState,
  restartRequest,
  stateRequest,
  wantedRegistration,
} from "../../channels/whatsapp/instances.ts";
import { HubError } from "../../domain/errors.ts";
import type { WhatsappConnection } from "../../schema/connection.ts";
import { ask, type InstanceReport, type Lifecycle, refusal, tryAsk } from "./lifecycle.ts";

export const EVOLUTION: Lifecycle<WhatsappConnection> = {
  async create(world, connection, { number }) {
    needOrigin(connection);
    const registration = wantedRegistration(connection, world.webhookUrl);
    const options = number === undefined ? {} : { number };
    const qr = await ask(world, createRequest(connection, registration, options), readQrCode);
    return { state: "connecting", ...(qr ? { qr } : {}) };
  },

  async state(world, connection) {
    needOrigin(connection);
    const state = await tryAsk(world, stateRequest(connection), readState);
    if (state.ok) return { state: state.value };
    if (state.failure.reason !== "not_found") throw refusal(state.failure);
    return { state: "closed", detail: "the platform has no such instance" };
  },

  async connect(world, connection, { number }): Promise<InstanceReport> {
    needOrigin(connection);
    const qr = await ask(world, connectRequest(connection, number), readQrCode);
    return qr ? { state: "connecting", qr } : EVOLUTION.state(world, connection);
  },

  async restart(world, connection) {
    needOrigin(connection);
    await ask(world, restartRequest(connection), readDone);
    return EVOLUTION.state(world, connection);
  },

  async logout(world, connection) {
    needOrigin(connection);
    const done = await tryAsk(world, logoutRequest(connection), readDone);
    // 400: it was not connected, which is what was asked for.
    if (!done.ok && done.failure.reason !== "refused") throw refusal(done.failure);
    return { state: "closed" };
  },

  async remove(world, connection) {
    needOrigin(connection);
    // Some versions delete only what is logged out; a refusal shows again at the delete.
    await tryAsk(world, logoutRequest(connection), readDone);
    const done = await tryAsk(world, deleteRequest(connection), readDone);
    if (!done.ok && done.failure.reason !== "not_found") throw refusal(done.failure);
  },
};

function needOrigin(connection: WhatsappConnection): void {
  if (connection.baseUrl) return;
  const errors = [{ pointer: "#/baseUrl", detail: "an Evolution API has no public origin" }];
  throw new HubError("validation_failed", undefined, { extensions: { errors } });
}
