/** What every Evolution payload of the shared fixtures means, written down by hand from the payload. */
import { expect } from "vitest";
import type { Line } from "../../dev/conformance/line.ts";

const ANA = "5511900000002@s.whatsapp.net";
const ANA_PHONE = "5511900000002";

/** One line's essentials. */
export interface Expected {
  readonly outcome: Line["outcome"];
  readonly reason?: string;
  readonly messages?: readonly object[];
  readonly statuses?: readonly object[];
}

const ignored = (reason: string): Expected => ({ outcome: "ignored", reason });
const status = (of: string): Expected => ({
  outcome: "statuses",
  statuses: [{ platformId: "3EB0AAAA0001", status: of }],
});
const changed = (reason: string): Expected => ({ outcome: "connection", reason });
const from = (id: string, over: object = {}): Expected => ({
  outcome: "messages",
  messages: [
    {
      kind: "message",
      direction: "inbound",
      platform_id: id,
      eventKey: `acme-support:${ANA}:${id}`,
      sender: { id: ANA, aliases: [ANA_PHONE], name: "Ana Example" },
      group: false,
      ...over,
    },
  ],
});
const IMAGE_ID = "ACFD2E3DC8F0340204B5DB6EAE0A7092";
const ORIGINAL_ID = "AC9103D165AE397609A6A20D78FF0001";
const image = (source: object) => ({ media: [{ kind: "image", source, size_bytes: 63_502 }] });

/** Every file of `evolution/`. */
export const EVOLUTION: Readonly<Record<string, Expected>> = {
  "call_offer_video.json": ignored("CALL"),
  "connection_connecting.json": changed("connecting"),
  "contacts_update_object.json": ignored("CONTACTS_UPDATE"),
  "group_participants_add.json": ignored("GROUP_PARTICIPANTS_UPDATE"),
  "group_participants_remove.json": ignored("GROUP_PARTICIPANTS_UPDATE"),
  "malformed_messages_array.json": from("msg_1", {
    content: { text: "Hello", media: [], metadata: {} },
    sender: { id: ANA, aliases: [ANA_PHONE], name: "Ana" },
  }),
  "malformed_null_message.json": from("ACZ1", {
    sender: { id: ANA, aliases: [ANA_PHONE], name: "Ana" },
    content: { text: "", media: [], metadata: { unsupported: { type: "undecryptable" } } },
  }),
  "messages_delete_inbound.json": from(`${ORIGINAL_ID}:delete`, {
    kind: "delete",
    target_id: ORIGINAL_ID,
    sender: { id: ANA, aliases: [ANA_PHONE] },
    eventKey: `acme-support:${ANA}:${ORIGINAL_ID}:delete`,
  }),
  "messages_edited_text.json": from(`${ORIGINAL_ID}:edit:1790000055000`, {
    kind: "edit",
    target_id: ORIGINAL_ID,
    sender: { id: ANA, aliases: [ANA_PHONE] },
    eventKey: `acme-support:${ANA}:${ORIGINAL_ID}:edit:1790000055000`,
    content: { text: "Mensagem corrigida", media: [], metadata: {} },
  }),
  "messages_update_delivery_ack.json": status("delivered"),
  "messages_update_read.json": status("read"),
  "messages_update_server_ack.json": status("sent"),
  "presence_update.json": ignored("PRESENCE_UPDATE"),
  "qrcode_limit_reached.json": changed("refused"),
  "response_401.json": ignored("not_a_webhook"),
  "response_404_instance.json": ignored("not_a_webhook"),
  "response_503_license_required.json": ignored("not_a_webhook"),
  "response_connection_state.json": ignored("not_a_webhook"),
  "response_create_201.json": ignored("not_a_webhook"),
  "response_media_base64.json": ignored("not_a_webhook"),
  "response_send_text_201.json": ignored("not_a_webhook"),
  "status_instance_closed.json": changed("closed"),
  "upsert_button_reply.json": from("ACB1", {
    kind: "interaction",
    target_id: "3EB0AAAA0002",
    content: {
      text: "Approve",
      media: [],
      metadata: { interaction: { type: "button", id: "approve", title: "Approve" } },
    },
  }),
  "upsert_contact.json": from("AC71EDD10CE851493E4C5AECF1697A75", {
    content: {
      metadata: { contacts: [{ name: "Ana Example", phones: ["+5511900000002"] }] },
    },
  }),
  "upsert_document_caption_flattened.json": from("ACD1", {
    content: {
      text: "March invoice",
      media: [
        {
          kind: "document",
          source: { from: "platform", id: "ACD1" },
          mime_type: "application/pdf",
          file_name: "invoice.pdf",
          size_bytes: 254_005,
        },
      ],
    },
  }),
  "upsert_ephemeral_text.json": from("ACE1", { content: { text: "disappearing" } }),
  "upsert_event_invitation.json": from("AC82299425112ACDEAA583417745403C", {
    content: { text: "", metadata: { unsupported: { type: "eventMessage" } } },
  }),
  "upsert_group_text_lid_participant.json": from("AC2BE7343ABFA1417E5691C633CF7D62", {
    group: true,
    eventKey: "acme-support:120363000000000001@g.us:AC2BE7343ABFA1417E5691C633CF7D62",
    sender: { id: ANA, aliases: ["200000000000001@lid", ANA_PHONE], name: "Ana Example" },
    content: { text: "Aí sim tem um novo grupo" },
  }),
  "upsert_image_base64.json": from(IMAGE_ID, {
    content: {
      text: "Look at this",
      ...image({ from: "inline", base64: expect.stringMatching(/^iVBOR/) }),
    },
  }),
  "upsert_image_media_url.json": from(IMAGE_ID, {
    content: {
      text: "",
      ...image({ from: "url", url: expect.stringMatching(/^https:\/\/s3\.example\.com\//) }),
    },
  }),
  "upsert_image_no_inline_media.json": from(IMAGE_ID, {
    content: { text: "", ...image({ from: "platform", id: IMAGE_ID }) },
  }),
  "upsert_live_location.json": from("ACL1", {
    content: { metadata: { location: { latitude: -23.55, longitude: -46.63, live: true } } },
  }),
  "upsert_location.json": from("ACDAD8DFE4203A41711722E96E24EEC4", {
    content: { text: "0, 0", metadata: { location: { latitude: 0, longitude: 0 } } },
  }),
  "upsert_poll_creation.json": from("AC04809E9F816ACEB5F794B6081EEAD3", {
    content: {
      metadata: {
        poll: { question: "Quero saber", options: ["Quem é que", "Transa"], selectable: 0 },
      },
    },
  }),
  "upsert_reaction_add.json": from("ACR1", {
    kind: "reaction",
    target_id: "3EB0AAAA0001",
    content: { text: "", media: [], metadata: { reaction: { emoji: "👍", action: "added" } } },
  }),
  "upsert_reply_quoted.json": from("AC19F8A92E5173E9BC213A6A78C23EC7", {
    reply_to: "AC23570AE54CCF58A8923E45CC6089E8",
    content: { text: "Quoting a message here" },
  }),
  "upsert_status_broadcast.json": ignored("status_broadcast"),
  "upsert_sticker.json": from("AC987AA4C405005A3EF0CE66A18C1806", {
    content: { text: "", media: [{ kind: "sticker", mime_type: "image/webp" }] },
  }),
  "upsert_text_from_me_phone.json": from("ACB6DD980250AADFEF6008DF275A8855", {
    direction: "outbound",
    sender: {
      id: "5511900000001@s.whatsapp.net",
      aliases: ["5511900000001"],
      name: "Bruno Example",
    },
    content: { text: "Perdi as ligações aqui" },
  }),
  "upsert_text_lid_swapped.json": from("AC23570AE54CCF58A8923E45CC6089E8", {
    timestamp: "2026-01-31T03:21:38.000Z",
    content: { text: "Buenas como q tão as coisas aí" },
  }),
  "upsert_video.json": from("ACV1", {
    content: {
      text: "clip",
      media: [{ kind: "video", mime_type: "video/mp4", size_bytes: 254_005, duration_ms: 12_000 }],
    },
  }),
};

const MARIA = "5521988887777@s.whatsapp.net";
const captured = (id: string, over: object): Expected => ({
  outcome: "messages",
  messages: [{ kind: "message", platform_id: id, eventKey: `acme-wa:${MARIA}:${id}`, ...over }],
});

/** Every file of `evolution-captured/`. */
export const CAPTURED: Readonly<Record<string, Expected>> = {
  "chats_update.json": ignored("CHATS_UPDATE"),
  "chats_upsert.json": ignored("CHATS_UPSERT"),
  "contacts_upsert.json": ignored("CONTACTS_UPSERT"),
  "messages_upsert-conversation.json": captured("3EB0ABC001", {
    direction: "inbound",
    content: { text: "Olá, tudo bem?" },
  }),
  "messages_upsert-imageMessage.json": captured("3EB0ABC002", {
    direction: "inbound",
    content: {
      text: "foto",
      media: [{ kind: "image", source: { from: "url", url: "https://cdn.example/x.jpg" } }],
    },
  }),
  "retry-timeline.json": ignored("not_a_webhook"),
  // The address is a bare number here; the conversation is the same as the contact's.
  "send_message-conversation.json": captured("3636a391-30cb-469a-a708-66c6491670e2", {
    direction: "outbound",
    content: { text: "resposta do hub" },
  }),
};
