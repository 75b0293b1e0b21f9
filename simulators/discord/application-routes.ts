/**
 * `/applications/@me`: what an application is, and where its interactions go. A new address is called
 * before it is kept, once signed and once forged, and refused unless it tells the two apart.
 * Source: Discord reference, Application resource and "Setting up an endpoint".
 */
import { asText, json, type Reply } from "../http.ts";
import { invalidField } from "./errors.ts";
import type { RestCall } from "./message-routes.ts";
import { discordPing, discordSchedule } from "./sender.ts";
import { type Bot, botUser } from "./world.ts";

const FIELD = "interactions_endpoint_url";

export function showApplication({ bot }: RestCall): Reply {
  return json({
    id: bot.applicationId,
    name: "hub",
    verify_key: bot.publicKey,
    [FIELD]: bot.urls.interactions ?? null,
    bot: botUser(bot),
    flags: 0,
  });
}

/** `PATCH` with `interactions_endpoint_url`: an address, or null for none. */
export async function changeApplication(call: RestCall): Promise<Reply> {
  const { bot, body } = call;
  if (!Object.hasOwn(body, FIELD)) return showApplication(call);
  const url = asText(body[FIELD]);
  if (url === undefined || url === "") {
    delete bot.urls.interactions;
    return showApplication(call);
  }
  if (!URL.canParse(url) || !(await isVerifying(call, bot, url))) {
    return invalidField(
      FIELD,
      "APPLICATION_INTERACTIONS_ENDPOINT_VERIFICATION_FAILED",
      "The specified interactions endpoint url could not be verified.",
    );
  }
  bot.urls.interactions = url;
  return showApplication(call);
}

async function isVerifying(
  { world }: RestCall,
  { applicationId, seedHex }: Bot,
  url: string,
): Promise<boolean> {
  const schedule = discordSchedule("interaction");
  const ping = (forged: boolean) =>
    world.courier.deliver(
      discordPing(seedHex, url, applicationId, forged),
      "interaction",
      schedule,
    );
  const [honest, forged] = await Promise.all([ping(false), ping(true)]);
  const pong = /^\s*\{\s*"type"\s*:\s*1\s*\}\s*$/.test(honest.answer ?? "");
  return honest.status === 200 && pong && forged.status === 401;
}
