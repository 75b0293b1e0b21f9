/**
 * Unicode emoji and Slack's short names, both ways, for the reactions people use most (names from
 * Slack's standard set). Names that are not in the table pass through as `:name:`, so custom emoji of
 * a workspace work too.
 */

const SHORT_NAMES: Readonly<Record<string, string>> = {
  "👍": "thumbsup",
  "👎": "thumbsdown",
  "❤️": "heart",
  "🧡": "orange_heart",
  "💛": "yellow_heart",
  "💚": "green_heart",
  "💙": "blue_heart",
  "💜": "purple_heart",
  "🖤": "black_heart",
  "💔": "broken_heart",
  "😀": "grinning",
  "😃": "smiley",
  "😄": "smile",
  "😂": "joy",
  "🤣": "rolling_on_the_floor_laughing",
  "😉": "wink",
  "😊": "blush",
  "😍": "heart_eyes",
  "😘": "kissing_heart",
  "😎": "sunglasses",
  "🤔": "thinking_face",
  "😐": "neutral_face",
  "🙄": "face_with_rolling_eyes",
  "😢": "cry",
  "😭": "sob",
  "😮": "open_mouth",
  "😱": "scream",
  "😡": "rage",
  "😅": "sweat_smile",
  "🙂": "slightly_smiling_face",
  "🙁": "slightly_frowning_face",
  "🥳": "partying_face",
  "🎉": "tada",
  "🚀": "rocket",
  "🔥": "fire",
  "✨": "sparkles",
  "⭐": "star",
  "💯": "100",
  "✅": "white_check_mark",
  "✔️": "heavy_check_mark",
  "❌": "x",
  "⚠️": "warning",
  "❓": "question",
  "❗": "exclamation",
  "⏳": "hourglass_flowing_sand",
  "👀": "eyes",
  "🙏": "pray",
  "👏": "clap",
  "🙌": "raised_hands",
  "👋": "wave",
  "👌": "ok_hand",
  "💪": "muscle",
  "🤝": "handshake",
  "✋": "hand",
  "🤷": "shrug",
  "🤖": "robot_face",
  "💡": "bulb",
  "📌": "pushpin",
  "🐛": "bug",
};

/** Other names Slack knows the same emoji by; the wire may carry either. */
const ALIASES: Readonly<Record<string, string>> = { "+1": "👍", "-1": "👎", raised_hand: "✋" };

const EMOJI_BY_NAME: ReadonlyMap<string, string> = new Map([
  ...Object.entries(SHORT_NAMES).map(([emoji, name]): [string, string] => [name, emoji]),
  ...Object.entries(ALIASES),
]);

const NAME_BY_EMOJI: ReadonlyMap<string, string> = new Map(
  Object.entries(SHORT_NAMES).map(([emoji, name]) => [withoutSelector(emoji), name]),
);

/** Slack's `skin-tone-2` to `skin-tone-6` are the Unicode modifiers U+1F3FB to U+1F3FF. */
const SKIN_TONES: readonly string[] = ["🏻", "🏼", "🏽", "🏾", "🏿"];
const SKIN_TONE_FIRST = 2;
const NAME = /^[\p{L}\p{N}_+'-]{1,100}$/u;
const TONED = /^(.{1,100})::skin-tone-([2-6])$/u;

/** A reaction's short name as an emoji, or `:name:` where the table has none. */
export function emojiOf(name: string): string {
  const toned = TONED.exec(name);
  const base = EMOJI_BY_NAME.get(toned?.[1] ?? name);
  if (base === undefined) {
    return `:${name}:`;
  }
  const tone = toned === null ? "" : SKIN_TONES[Number(toned[2]) - SKIN_TONE_FIRST];
  return tone ? `${withoutSelector(base)}${tone}` : base;
}

/** The short name of an emoji, of `:name:` or of a bare name; undefined for an emoji outside the table. */
export function shortNameOf(emoji: string): string | undefined {
  const known = NAME_BY_EMOJI.get(withoutSelector(emoji));
  if (known !== undefined) {
    return known;
  }
  const tone = SKIN_TONES.findIndex((modifier) => emoji.endsWith(modifier));
  if (tone >= 0) {
    const base = NAME_BY_EMOJI.get(withoutSelector(emoji.slice(0, -2)));
    return base === undefined ? undefined : `${base}::skin-tone-${tone + SKIN_TONE_FIRST}`;
  }
  const bare =
    emoji.length > 2 && emoji.startsWith(":") && emoji.endsWith(":") ? emoji.slice(1, -1) : emoji;
  return NAME.test(bare) || TONED.test(bare) ? bare : undefined;
}

/** U+FE0F asks for the coloured form and is left out by some clients. */
function withoutSelector(emoji: string): string {
  return emoji.replace(/\uFE0F/g, "");
}
