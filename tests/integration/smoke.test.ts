import { env } from "cloudflare:workers";
import { expect, test } from "vitest";

test("migrations apply and the view joins the slots", async () => {
  const row = await (env as unknown as Env).DB.prepare(
    "SELECT count(*) AS n FROM messages",
  ).first();
  expect(row).toEqual({ n: 0 });
});
