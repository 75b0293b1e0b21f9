/**
 * Every reference payload with what it must become, decided by hand. Differences from the payloads' own index:
 * none. `interaction_button` and the guild messages belong to application 1457469483728351487.
 */
import { readdirSync } from "node:fs";
import { describe, expect, it } from "vitest";
import {
  absence,
  aConnection,
  parse,
  read,
  readOne,
  shared,
  sharedPresent,
  sharedRoot,
} from "./support.ts";

const BOT = "1457469483728351487";
const bot = aConnection({ applicationId: BOT, botUserId: BOT });
const pinged = aConnection({ applicationId: "1234560123453231555" });

interface Expected {
  readonly kind?: string;
  readonly text?: string;
  readonly group?: boolean;
  readonly eventKey?: string;
  readonly ignored?: string;
  readonly status?: number;
  readonly ack?: string;
  readonly connection?: typeof bot;
}

const EXPECTED: Readonly<Record<string, Expected>> = {
  gw_message_create_dm_attachment: {
    kind: "message",
    text: "",
    group: false,
    eventKey: "1467362488369002022",
  },
  gw_message_create_dm_text: {
    kind: "message",
    text: "Buenas na DM",
    group: false,
    eventKey: "1467362417525150367",
  },
  gw_message_create_guild_mention: {
    kind: "message",
    text: "@ginaexample Hey",
    group: true,
    eventKey: "1457536551832663581",
  },
  gw_message_create_in_thread: {
    kind: "message",
    text: "Hey",
    group: true,
    eventKey: "1457536593456610479",
  },
  gw_message_create_own_bot: { ignored: "own_echo" },
  gw_message_create_role_mention: {
    kind: "message",
    text: "<@&1457473602182444658> AI Still there?",
    group: true,
    eventKey: "1457536599998369433",
  },
  gw_message_delete_dm: {
    kind: "delete",
    text: "",
    group: false,
    eventKey: "1467363950364042283:delete",
  },
  gw_message_update_pinned: { ignored: "not_an_edit" },
  gw_message_update_real_edit: {
    kind: "edit",
    text: "Message edited!",
    group: false,
    eventKey: "1467362714921836434:2026-02-01T03:35:38.927647+00:00",
  },
  gw_reaction_add_dm: {
    kind: "reaction",
    text: "",
    group: false,
    eventKey: "1467362782414531550:99999999999825832:🔥:+:156",
  },
  gw_reaction_add_guild: {
    kind: "reaction",
    text: "",
    group: true,
    eventKey: "1467363183185205511:99999999999825832:🔥:+:157",
  },
  gw_reaction_add_thread: {
    kind: "reaction",
    text: "",
    group: true,
    eventKey: "1457536955663397532:1033044521378859369:👍:+:266",
  },
  gw_ready: { ignored: "READY" },
  gw_thread_create_from_message: { ignored: "THREAD_CREATE" },
  gw_typing_start_dm: { ignored: "TYPING_START" },
  interaction_button: {
    kind: "interaction",
    text: "Say Hello",
    group: true,
    eventKey: "1457536583143515481",
    ack: '{"type":6}',
  },
  interaction_ping: { ack: '{"type":1}', connection: pinged },
  response_429_user: { ignored: "not_a_webhook" },
  response_error_50035: { ignored: "not_a_webhook" },
  webhook_event_ping: { status: 204, connection: pinged },
};

describe.skipIf(!sharedPresent)(`reference payloads${absence}`, () => {
  it("are all in the table", () => {
    const names = readdirSync(`${sharedRoot}discord`).map((file) => file.replace(".json", ""));
    expect(names.toSorted()).toEqual(Object.keys(EXPECTED).toSorted());
  });

  it.each(Object.entries(EXPECTED))("%s", (name, expected) => {
    const reading = read(shared(`discord/${name}.json`), expected.connection ?? bot);
    const [message] = reading.messages;
    expect({
      kind: message?.kind,
      text: message?.content.text,
      group: message?.group,
      eventKey: message?.eventKey,
      ignored: reading.ignored[0]?.type,
      status: reading.ack.status,
      ack: reading.ack.body,
    }).toEqual({
      kind: expected.kind,
      text: expected.text,
      group: expected.group,
      eventKey: expected.eventKey,
      ignored: expected.ignored,
      status: expected.status ?? 200,
      ack: expected.ack,
    });
  });

  it("know the attachment, the mention and the thread", () => {
    const file = readOne(shared("discord/gw_message_create_dm_attachment.json"), bot);
    expect(file.content.media).toMatchObject([{ kind: "document", source: { from: "url" } }]);
    const mention = readOne(shared("discord/gw_message_create_guild_mention.json"), bot);
    expect(mention.mentions).toEqual([{ kind: "bot", id: BOT }]);
    const thread = readOne(shared("discord/gw_message_create_in_thread.json"), bot);
    expect(thread.thread).toBe("1457536551832663581");
  });
});

interface Nasty {
  readonly id: string;
  readonly title: string;
  readonly class: string;
  readonly request: { readonly body: string };
  readonly expect: { readonly messages?: number; readonly quarantined?: number };
}

/**
 * Cases that a parser can judge; those of class "signature" and "replay" are `verify.test.ts`, where each has its
 * counterpart. DC-16 expects no media: the refused file stays as a refused source, none of it can be fetched.
 */
describe.skipIf(!sharedPresent)(`nasty bodies${absence}`, () => {
  const nasty: Nasty[] = sharedPresent ? JSON.parse(shared("nasty/discord.json")) : [];
  const acme = aConnection({ applicationId: "APP_ACME" });
  const judged = nasty.filter(({ class: kind }) => kind !== "signature" && kind !== "replay");

  it("hold at least the five known ones", () => {
    expect(judged.map(({ id }) => id)).toEqual(
      expect.arrayContaining(["DC-01", "DC-11", "DC-12", "DC-13", "DC-16"]),
    );
  });

  it.each(judged)("$id $title", ({ expect: wanted, request }) => {
    const result = parse(request.body, acme);
    expect(result.ok ? result.value.messages.length : 0).toBe(wanted.messages);
    if (wanted.quarantined !== undefined) expect(result.ok).toBe(wanted.quarantined === 0);
    const sources = result.ok ? result.value.messages.flatMap((m) => m.content.media) : [];
    expect(sources.filter(({ source }) => source.from !== "refused")).toEqual([]);
  });

  it("DC-11 goes to nobody, DC-12 is ignored", () => {
    const body = (id: string) => nasty.find((one) => one.id === id)?.request.body ?? "";
    const foreign = parse(body("DC-11"), acme);
    expect(foreign.ok ? "" : foreign.failure.reason).toBe("wrong_connection");
    expect(read(body("DC-12"), acme).ignored).toEqual([{ type: "interaction_99" }]);
  });
});
