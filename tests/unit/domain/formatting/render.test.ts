/** Golden corpus: one row per construct, one column per dialect; hub regressions by name. */
import { describe, expect, test } from "vitest";
import { type Dialect, renderMarkdown, renderParts } from "../../../../domain/formatting/render.ts";

const Z = "\u200b";

interface Row {
  readonly name: string;
  readonly markdown: string;
  readonly whatsapp: string;
  readonly slack: string;
  readonly discord: string;
  readonly plain: string;
}

/** The same text on every dialect, but for the overrides. */
function row(name: string, markdown: string, all: string, other: Partial<Row> = {}): Row {
  return { name, markdown, whatsapp: all, slack: all, discord: all, plain: all, ...other };
}

const INLINE: readonly Row[] = [
  row("bold", "a **b** c", "a *b* c", { discord: "a **b** c", plain: "a b c" }),
  row("bold with underscores", "__b__", "*b*", { discord: "**b**", plain: "b" }),
  row("italic", "*i* _i_", "_i_ _i_", { discord: "*i* *i*", plain: "i i" }),
  row("bold italic", "***x***", "_*x*_", { discord: "***x***", plain: "x" }),
  row("italic within bold", "**a *b* c**", "*a _b_ c*", {
    discord: "**a *b* c**",
    plain: "a b c",
  }),
  row("strike", "~~s~~ ~5 ~ 6", "~s~ ~5 ~ 6", { discord: "~~s~~ ~5 ~ 6", plain: "s ~5 ~ 6" }),
  row("bold over two lines", "**a\nb**", "*a*\n*b*", { discord: "**a**\n**b**", plain: "a\nb" }),
  row("multiplication", "2*3*4 and 2 * 3 * 4", "2*3*4 and 2 * 3 * 4", {
    discord: "2\\*3\\*4 and 2 * 3 * 4",
  }),
  row("powers", "2**3**4", "2**3**4", { discord: "2\\*\\*3\\*\\*4" }),
  row("snake case", "a snake_case_name _x", "a snake_case_name _x", {
    discord: "a snake_case_name \\_x",
  }),
  row("unclosed bold", "**unclosed", "**unclosed", { discord: "\\*\\*unclosed" }),
  row("bold within a word", "a**b**c", "abc", { discord: "a**b**c" }),
  row("bold label that touches the text", "**Note:**text", "Note:text", {
    discord: "**Note:**text",
  }),
  row("bold next to punctuation", "(**b**), **c**.", "(*b*), *c*.", {
    discord: "(**b**), **c**.",
    plain: "(b), c.",
  }),
  row("escaped signs", "\\*a b\\* 1\\. \\# x", `*${Z}a b${Z}* 1. # x`, {
    discord: "\\*a b\\* 1. # x",
    plain: "*a b* 1. # x",
  }),
  row("code", "run `a*b` now", "run `a*b` now", { plain: "run a*b now" }),
  row("code protects a link", "`[a](https://b.c)`", "`[a](https://b.c)`", {
    plain: "[a](https://b.c)",
  }),
  row("code with a tick", "`` a`b ``", "a`b", { discord: "`` a`b ``" }),
  row("unclosed code", "a `b", "a `b", { discord: "a \\`b" }),
  row("hard breaks", "a  \nb\\\nc<br>d", "a\nb\nc\nd"),
  row("soft break stays", "a\nb", "a\nb"),
  row("entities", "a &amp; b &lt;c&gt;", "a & b <c>", { slack: "a &amp; b &lt;c&gt;" }),
  row("backslash of a path", "C:\\dir", "C:\\dir"),
];

const LINKS: readonly Row[] = [
  row("link", "[track](https://ex.com/a?b=1&c=2)", "track (https://ex.com/a?b=1&c=2)", {
    slack: "<https://ex.com/a?b=1&amp;c=2|track>",
    discord: "[track](https://ex.com/a?b=1&c=2)",
  }),
  row("bare address", "see https://ex.com/a_b_c.", "see https://ex.com/a_b_c.", {
    slack: "see <https://ex.com/a_b_c>.",
  }),
  row("address in angles", "<https://ex.com>", "https://ex.com", { slack: "<https://ex.com>" }),
  row("label equal to the address", "[https://ex.com](https://ex.com)", "https://ex.com", {
    slack: "<https://ex.com>",
  }),
  row("bold address", "**https://ex.com/x**", "*https://ex.com/x*", {
    slack: "*<https://ex.com/x>*",
    discord: "**https://ex.com/x**",
    plain: "https://ex.com/x",
  }),
  row("address in parentheses", "(https://ex.com/a_(b))", "(https://ex.com/a_(b))", {
    slack: "(<https://ex.com/a_(b)>)",
  }),
  row("bold label", "[**a** **b**](https://b.c)", "a b (https://b.c)", {
    slack: "<https://b.c|a b>",
    discord: "[a b](https://b.c)",
  }),
  row("label all bold", "see [**a**](https://b.c).", "see *a (https://b.c)*.", {
    slack: "see *<https://b.c|a>*.",
    discord: "see **[a](https://b.c)**.",
    plain: "see a (https://b.c).",
  }),
  row("title is dropped", '[a](https://b.c "t")', "a (https://b.c)", {
    slack: "<https://b.c|a>",
    discord: "[a](https://b.c)",
  }),
  row("mail", "<a@b.example>", "a@b.example", { slack: "<mailto:a@b.example|a@b.example>" }),
  row("script address is text", "[x](javascript:alert)", "x (javascript:alert)"),
  row("address that would ping", "[x](!here)", "x (!here)"),
  row("image", "![cat](https://i.j/k.png)", "cat (https://i.j/k.png)", {
    slack: "<https://i.j/k.png|cat>",
    discord: "[cat](https://i.j/k.png)",
  }),
  row("image alone, without words", "![](https://i.j/k.png)", "https://i.j/k.png", {
    slack: "<https://i.j/k.png>",
  }),
  row("image within a link", "[![cat](https://i.j/k.png)](https://b.c)", "cat (https://b.c)", {
    slack: "<https://b.c|cat>",
    discord: "[cat](https://b.c)",
  }),
  row("brackets that are no link", "a[0] [x] (y) [z]", "a[0] [x] (y) [z]"),
];

const MENTIONS: readonly Row[] = [
  row("at here", "@here @channel @everyone", "@here @channel @everyone"),
  row("platform tokens", "<!here> <@U123> <#C1|x>", "<!here> <@U123> <#C1|x>", {
    slack: "&lt;!here&gt; &lt;@U123&gt; &lt;#C1|x&gt;",
  }),
  row("token in code", "`<!here>`", "`<!here>`", {
    slack: "`&lt;!here&gt;`",
    plain: "<!here>",
  }),
  row("token in a label", "[<!here>](https://b.c)", "<!here> (https://b.c)", {
    slack: "<https://b.c|&lt;!here&gt;>",
    discord: "[<!here>](https://b.c)",
  }),
];

const BLOCKS: readonly Row[] = [
  row("heading", "# Big\ntext", "*Big*\ntext", { discord: "# Big\ntext", plain: "Big\ntext" }),
  row("heading 3 and 4", "### A\n\n#### B", "*A*\n\n*B*", {
    discord: "### A\n\n**B**",
    plain: "A\n\nB",
  }),
  row("bold heading", "## **A** b ##", "*A b*", { discord: "## **A** b", plain: "A b" }),
  row("hashtag is no heading", "#tag", "#tag"),
  row("quote of many lines", "> a\n> b\n>\n> c\nd", "> a\n> b\n> \n> c\nd", {
    whatsapp: "> a\n> b\n> c\nd",
  }),
  row("nested quotes are flat", ">> a\n> > b", "> a\n> b"),
  row("quote with markup", "> **a** [t](https://b.c)", "> *a* <https://b.c|t>", {
    whatsapp: "> *a* t (https://b.c)",
    discord: "> **a** [t](https://b.c)",
    plain: "> a t (https://b.c)",
  }),
  row("literal quote sign", "\\> a", `${Z}> a`, {
    slack: `${Z}&gt; a`,
    discord: "\\> a",
    plain: "> a",
  }),
  row("bullets", "* a\n+ b\n- c", "- a\n- b\n- c", { slack: "• a\n• b\n• c" }),
  row("nested list", "1. a\n   - b\n2. c", "1. a\n   - b\n2. c", { slack: "1. a\n   • b\n2. c" }),
  row("list nested by two", "- a\n  - b\n    - c\n- d", "- a\n  - b\n    - c\n- d", {
    slack: "• a\n  • b\n    • c\n• d",
  }),
  row("list nested by a tab", "- a\n\t- b\n\t\tc", "- a\n  - b\n    c", {
    slack: "• a\n  • b\n    c",
  }),
  row("tabs in code stay", "```\n\ta\n```", "```\n\ta\n```", { plain: "\ta" }),
  row("numbers that don't rise", "1. a\n1. b\n1. c", "1. a\n2. b\n3. c"),
  row("list that starts late", "7. a\n8. b", "7. a\n8. b"),
  row("loose list", "- a\n\n- b", "- a\n\n- b", { slack: "• a\n\n• b" }),
  row("text after a list", "- a\nThanks", "- a\nThanks", { slack: "• a\nThanks" }),
  row("tasks", "- [x] a\n- [ ] b", "- [x] a\n- [ ] b", {
    whatsapp: "- ☑ a\n- ☐ b",
    slack: "• ☑ a\n• ☐ b",
  }),
  row("paragraph in an item", "- a\n\n  b", "- a\n\n  b", { slack: "• a\n\n  b" }),
  row("fence", "```ts\nlet a = 1 < 2;\n\n  b\n```", "```\nlet a = 1 < 2;\n\n  b\n```", {
    slack: "```\nlet a = 1 &lt; 2;\n\n  b\n```",
    discord: "```ts\nlet a = 1 < 2;\n\n  b\n```",
    plain: "let a = 1 < 2;\n\n  b",
  }),
  row("fence protects markup", "```\n**a** <!here> [x](https://y.z)\n```", "", {
    whatsapp: "```\n**a** <!here> [x](https://y.z)\n```",
    slack: "```\n**a** &lt;!here&gt; [x](https://y.z)\n```",
    discord: "```\n**a** <!here> [x](https://y.z)\n```",
    plain: "**a** <!here> [x](https://y.z)",
  }),
  row("unclosed fence", "```js\na", "```\na\n```", { discord: "```js\na\n```", plain: "a" }),
  row("fence of tildes with ticks", "~~~\n```\n~~~", `\`\`\`\n\`${Z}\`${Z}\`\n\`\`\``, {
    plain: "```",
  }),
  row("fence in an item", "- a\n  ```\n  b\n  ```", "- a\n```\nb\n```", {
    slack: "• a\n```\nb\n```",
    plain: "- a\n  b",
  }),
  row("fence in a quote", "> a\n> ```js\n> b\n> ```", "> a\n```\nb\n```", {
    discord: "> a\n> ```js\n> b\n> ```",
    plain: "> a\n> b",
  }),
  row("narrow table", "| a | b |\n|---|:-:|\n| 1 | **2** |", "```\na | b\n--+--\n1 | 2\n```", {
    plain: "a | b\n1 | 2",
  }),
  row("rule", "a\n\n---\n\nb", "a\n\n---\n\nb"),
  row("dashes under a line are a rule", "a\n---\nb", "a\n---\nb"),
  row("blank lines fold", "a\n\n\n\nb", "a\n\nb"),
  row("windows line ends", "a\r\n\r\nb\rc", "a\n\nb\nc"),
];

const DIALECTS = ["whatsapp", "slack", "discord", "plain"] as const satisfies Dialect[];

describe.each(DIALECTS)("%s", (dialect) => {
  test.each([...INLINE, ...LINKS, ...MENTIONS, ...BLOCKS])("$name", (found) => {
    expect(renderMarkdown(found.markdown, dialect)).toBe(found[dialect]);
  });

  test.each(["", " ", "\n\n\t\n", "```\n```", "<br>"])(
    "nothing to show in %j gives no part",
    (markdown) => {
      expect(renderParts(markdown, dialect, 100)).toEqual([]);
    },
  );
});

test("a wide table becomes header and value lines where a code block would wrap", () => {
  const table =
    "| Order number | State of the delivery |\n|--|--|\n| 1 | [on its way](https://t.r/1) |\n| 2 | |";
  expect(renderMarkdown(table, "whatsapp")).toBe(
    "Order number: 1\nState of the delivery: on its way (https://t.r/1)\n\nOrder number: 2",
  );
  expect(renderMarkdown(table, "discord")).toBe(
    [
      "```",
      "Order number | State of the delivery",
      "-------------+---------------------------",
      "1            | on its way (https://t.r/1)",
      "2            |",
      "```",
    ].join("\n"),
  );
});

test("a surplus cell of a table row is kept", () => {
  expect(renderMarkdown("|a|b|\n|-|-|\n|1|2|3|", "plain")).toBe("a | b\n1 | 2 | 3");
});
