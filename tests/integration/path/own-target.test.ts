/** Edits of our own messages by our ids: the platform's id where the message was sent, nothing of other connections. */
import { env as bindings } from "cloudflare:workers";
import { expect, test } from "vitest";
import { mintId } from "../../../domain/messaging/message-id.ts";
import { recordOutbound } from "../../../platform/repositories/messages.ts";
import { withOwnTarget } from "../../../workers/consumers/own-target.ts";

const env = bindings as unknown as Env;
const HERE = { tenant: "own-target", connection: "team" };

async function stored(platformId?: string): Promise<string> {
  const id = mintId("msg", Date.now(), Math.random);
  const rows = recordOutbound(env.DB, {
    ...{ tenantId: HERE.tenant, id, conversationId: "cnv_1", connectionId: HERE.connection },
    ...{ source: "slack", direction: "outbound", kind: "message" },
    ...(platformId ? { platformId } : {}),
    content: { text: "", media: [], metadata: {} },
    metadata: { event_key: id } as never,
    ...{ createdAt: Date.now(), processedAt: Date.now(), status: platformId ? "sent" : "failed" },
  });
  await env.DB.batch([...rows]);
  return id;
}

const edit = (target: string) => ({ type: "edit", target, text: "now" }) as const;

test("the id of a message that was sent becomes the platform's", async () => {
  const id = await stored("17.5");
  expect(await withOwnTarget(env, HERE, edit(id))).toEqual(edit("17.5"));
  expect(await withOwnTarget(env, { ...HERE, connection: "other" }, edit(id))).toEqual(edit(id));
  expect(await withOwnTarget(env, { ...HERE, tenant: "other" }, edit(id))).toEqual(edit(id));
});

test("every other target, and other content, stays as it is", async () => {
  const failed = edit(await stored());
  expect(await withOwnTarget(env, HERE, failed)).toEqual(failed);
  for (const target of ["17.5", `msg_${"0".repeat(22)}`, ""])
    expect(await withOwnTarget(env, HERE, edit(target))).toEqual(edit(target));
  const text = { type: "text", text: "hello" } as const;
  expect(await withOwnTarget(env, HERE, text)).toBe(text);
});
