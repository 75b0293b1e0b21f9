/**
 * Takes the files of a turn's messages into our own store before anybody is asked about them, so that agents
 * see links that last. What can't be had is refused by name; the message keeps its text and goes on.
 */
import { planMediaFetch } from "../../domain/media/fetch-plan.ts";
import { databaseFor } from "../../platform/database.ts";
import type { Located } from "../../platform/directory.ts";
import { storeMedia } from "../../platform/media.ts";
import { count } from "../../platform/metrics.ts";
import { updateMedia } from "../../platform/repositories/messages.ts";
import type { InboxItem, TakenTurn, Turn } from "../../schema/conversation.ts";
import type { Media } from "../../schema/message.ts";
import { isolateOf } from "../isolate.ts";
import { mapBounded } from "./bounded.ts";
import { isFetchable } from "./turn.ts";

/** Files of one turn fetched at the same time. */
const FILES_AT_ONCE = 3;

/** The turn with its files stored or refused; their rows in D1 say so too. */
export async function storeFiles(
  env: Env,
  located: Located,
  { turn }: Extract<TakenTurn, { is: "taken" }>,
): Promise<Turn> {
  const items: InboxItem[] = [];
  for (const item of turn.items) items.push(await storeItem(env, located, item));
  return { ...turn, items };
}

async function storeItem(env: Env, located: Located, item: InboxItem): Promise<InboxItem> {
  const { content } = item.message;
  if (!content.media.some(isFetchable)) return item;
  const indexed = content.media.map((media, index) => ({ media, index }));
  const media = await mapBounded(indexed, FILES_AT_ONCE, (one) =>
    storeOne(env, located, item, one.media, one.index),
  );
  const stored = { ...content, media };
  const { id: tenant } = located.tenant;
  await updateMedia(databaseFor(env, tenant), tenant, item.id, stored).run();
  return { ...item, message: { ...item.message, content: stored } };
}

async function storeOne(
  env: Env,
  { connection, tenant }: Located,
  item: InboxItem,
  media: Media,
  index: number,
): Promise<Media> {
  if (!isFetchable(media)) return media;
  const fetchPlan = planMediaFetch(connection, media);
  const stored = await storeMedia(
    { store: env.STORE, vars: isolateOf(env).vars },
    { tenant: tenant.id, connection, messageId: item.id, index, media, fetchPlan },
  );
  const outcome = stored.source.from === "refused" ? stored.source.reason : stored.source.from;
  count("media_total", { tenant: tenant.id, outcome });
  return stored;
}
