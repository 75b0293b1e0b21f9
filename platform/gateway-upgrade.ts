/** Opens an outgoing WebSocket in workerd: a fetch with an Upgrade header, whose response carries the socket. */
import { CLOSE_ABNORMAL } from "../domain/gateway/protocol.ts";
import type { GatewayPorts, SocketEvents } from "./gateway-port.ts";

/** Rejects where the answer is no upgrade. */
export async function openUpgraded(
  url: string,
  events: SocketEvents,
  fetcher: GatewayPorts["fetch"],
): Promise<void> {
  const response = await fetcher(url.replace(/^ws/, "http"), { headers: { upgrade: "websocket" } });
  const socket = response.webSocket;
  if (!socket) throw new Error(`no upgrade: ${response.status}`);
  let over = false;
  const end = (code: number) => {
    if (over) return;
    over = true;
    events.closed(code);
  };
  socket.addEventListener("message", ({ data }) => {
    // Text is what `encoding=json` sends; anything else is no frame.
    events.message(typeof data === "string" ? data : "");
  });
  socket.addEventListener("close", ({ code }) => end(code || CLOSE_ABNORMAL));
  socket.addEventListener("error", () => end(CLOSE_ABNORMAL));
  socket.accept();
  events.opened({
    send: (text) => socket.send(text),
    close: (code) => socket.close(code, ""),
  });
}
