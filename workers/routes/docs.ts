/**
 * The OpenAPI document and a page that shows it. The page is one file of ours: no CDN, no inline
 * code, only text nodes, under a policy that allows nothing else.
 */
import type { Hono, Env as HonoEnv } from "hono";
import { DOCS_HTML, DOCS_SCRIPT, DOCS_STYLE } from "../http/docs-page.ts";

const CONTENT_SECURITY_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

const MINUTES_5 = "public, max-age=300";

/** `document` builds the OpenAPI document; it is asked once per isolate. */
export function registerDocs<E extends HonoEnv>(app: Hono<E>, document: () => unknown): void {
  let text: string | undefined;
  app.get("/openapi.json", () => {
    text ??= JSON.stringify(document());
    return reply(text, "application/json");
  });
  app.get("/docs", () => reply(DOCS_HTML, "text/html;charset=utf-8"));
  app.get("/docs/page.js", () => reply(DOCS_SCRIPT, "text/javascript;charset=utf-8"));
  app.get("/docs/page.css", () => reply(DOCS_STYLE, "text/css;charset=utf-8"));
}

function reply(body: string, type: string): Response {
  return new Response(body, {
    headers: {
      "content-type": type,
      "cache-control": MINUTES_5,
      "content-security-policy": CONTENT_SECURITY_POLICY,
      "referrer-policy": "no-referrer",
    },
  });
}
