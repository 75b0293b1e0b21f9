/** The documentation page: HTML, style and the script that renders `/openapi.json` with text nodes. */

export const DOCS_HTML = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>omni-edge API</title>
<link rel="stylesheet" href="/docs/page.css">
<script src="/docs/page.js" defer></script>
</head>
<body>
<header><h1 id="title">API</h1><p id="about"></p><p><a href="/openapi.json">openapi.json</a></p></header>
<nav id="contents" aria-label="Operations"></nav>
<main id="operations"><p>Loading…</p></main>
</body>
</html>
`;

export const DOCS_STYLE = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { margin: 0 auto; max-width: 64rem; padding: 1rem; }
nav ul { columns: 18rem; padding-left: 1.2rem; }
section { border-top: 1px solid #8886; padding: .5rem 0 1rem; }
h3 { font: 600 1rem/1.4 ui-monospace, monospace; overflow-wrap: anywhere; }
h3 span { border: 1px solid currentColor; border-radius: .25rem; margin-right: .5rem; padding: 0 .4rem; }
pre { background: #8882; border-radius: .25rem; max-height: 30rem; overflow: auto; padding: .75rem; }
table { border-collapse: collapse; } td, th { padding: .1rem .8rem .1rem 0; text-align: left; vertical-align: top; }
`;

export const DOCS_SCRIPT = `"use strict";
const METHODS = ["get", "post", "put", "patch", "delete"];
const element = (name, text, children = []) => {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  made.append(...children);
  return made;
};
const block = (title, value) => {
  const details = element("details", undefined, [element("summary", title)]);
  details.append(element("pre", JSON.stringify(value, null, 2)));
  return details;
};
const parameters = (list) => {
  const rows = list.map((each) => element("tr", undefined, [
    element("td", each.name), element("td", each.in), element("td", each.required ? "required" : ""),
    element("td", each.description ?? each.schema?.description ?? each.schema?.type ?? ""),
  ]));
  return element("table", undefined, rows);
};
const answers = (responses) => Object.entries(responses).flatMap(([status, response]) => {
  const schema = Object.values(response.content ?? {})[0]?.schema;
  const title = status + " " + response.description;
  return schema ? [block(title, schema)] : [element("p", title)];
});
const operation = (path, method, about) => {
  const heading = element("h3", undefined, [element("span", method.toUpperCase()), path]);
  const section = element("section", undefined, [heading, element("p", about.summary)]);
  section.id = about.operationId;
  if (about.description) section.append(element("p", about.description));
  if (about.parameters?.length) section.append(parameters(about.parameters));
  const body = about.requestBody?.content?.["application/json"]?.schema;
  if (body) section.append(block("Body", body));
  section.append(...answers(about.responses));
  return section;
};
const list = (operations) => element("ul", undefined, operations.map(({ path, method, about }) => {
  const link = element("a", method.toUpperCase() + " " + path);
  link.href = "#" + about.operationId;
  return element("li", undefined, [link]);
}));
const show = (spec) => {
  const operations = Object.entries(spec.paths).flatMap(([path, methods]) =>
    METHODS.filter((method) => methods[method]).map((method) => ({ path, method, about: methods[method] })));
  document.getElementById("title").textContent = spec.info.title + " API " + spec.info.version;
  document.getElementById("about").textContent = spec.info.description ?? "";
  document.getElementById("contents").append(list(operations));
  const sections = operations.map(({ path, method, about }) => operation(path, method, about));
  const schemas = Object.entries(spec.components?.schemas ?? {}).map(([name, schema]) => block(name, schema));
  document.getElementById("operations").replaceChildren(...sections, element("h2", "Schemas"), ...schemas);
};
fetch("/openapi.json").then((response) => response.json()).then(show, () => {
  document.getElementById("operations").textContent = "The document could not be loaded.";
});
`;
