/** The hostile admin requests and addresses of the reference cases, against our routes. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  adminCases,
  DIFFERENCES,
  NASTY_PRESENT,
  requestsOfCase,
  type UrlCase,
  urlCases,
} from "../../support/api/nasty.ts";
import { fresh } from "../../support/api/requests.ts";
import { sendRaw } from "../../support/api/wire.ts";
import { type Answer, type ApiWorld, startApiWorld } from "../../support/api/world.ts";
import { eventually } from "../../support/runtime.ts";

const WHERE = NASTY_PRESENT
  ? ""
  : " (skipped: ../shared/fixtures/nasty is not beside the repository)";
const OWN_HOST = "hub.example.com";

let world: ApiWorld;

/** As in production, where nothing but the public internet may be called. */
beforeAll(async () => {
  world = await startApiWorld({ EGRESS_ALLOW: "", PUBLIC_URL: `https://${OWN_HOST}` });
});
afterAll(() => world?.stop());

describe.skipIf(!NASTY_PRESENT)(`hostile admin requests${WHERE}`, () => {
  for (const one of adminCases()) {
    const because = DIFFERENCES[one.id]?.because;
    test(`${one.id} ${one.title}${because ? ` [${because}]` : ""}`, async () => {
      const before = await world.must("GET", "/tenants/acme");
      const expected = DIFFERENCES[one.id]?.status ?? one.expect.status;
      const answers = [];
      for (const { method, path, headers, body } of requestsOfCase(world, one)) {
        const answer = await sendRaw(world.hub.url, {
          method,
          path,
          headers,
          ...(body ? { body } : {}),
        });
        answers.push(answer);
        expect(expected, `${path} ${answer.status} ${answer.text}`).toContain(answer.status);
        expect(answer.text).not.toContain(world.globex.word);
        expect(answer.text).not.toMatch(/SQLITE|syntax error|fts5|D1_/i);
        expect(answer.headers.location ?? "").not.toContain("evil");
      }
      if (one.id === "AD-16") {
        const { id, config, active } = (await world.must("GET", "/tenants/acme")).body;
        expect({ id, config, active }).toEqual({
          id: before.body.id,
          config: before.body.config,
          active: before.body.active,
        });
      }
      if (one.expect.effects !== undefined) {
        expect(answers.map(({ status }) => status)).toEqual([202, 422]);
        await expectOneEffect(JSON.parse(answers[0]?.text ?? "{}").conversation);
      }
    });
  }
});

/** One message in the conversation, however it ended. */
async function expectOneEffect(conversation: string): Promise<void> {
  const items = await eventually("the message", async () => {
    const path = `/messages/history?conversation=${conversation}`;
    const { body } = await world.ask("GET", path, { key: world.acme.keys.all });
    return body.items.length > 0 ? body.items : undefined;
  });
  expect(items.map((item: { content: { text: string } }) => item.content.text)).toEqual(["one"]);
}

/** Every place where the API takes an address that the hub will call. */
const PLACES: readonly (readonly [where: string, ask: (url: string) => Promise<Answer>])[] = [
  [
    "a tenant's webhook route",
    (url) => asAcme("PATCH", "/tenants/acme", { config: { route: webhook(url) } }),
  ],
  [
    "a tenant's Hive route",
    (url) => asAcme("PATCH", "/tenants/acme", { config: { route: hive(url) } }),
  ],
  [
    "a new tenant",
    (url) => asOperator("/tenants", { id: fresh("t"), config: { route: webhook(url) } }),
  ],
  [
    "a new tenant's connection",
    (url) => asOperator("/tenants", { id: fresh("t"), connections: [slack({ baseUrl: url })] }),
  ],
  [
    "a connection's platform",
    (url) => asAcme("POST", "/tenants/acme/connections", slack({ baseUrl: url })),
  ],
  [
    "a connection's route",
    (url) => asAcme("POST", "/tenants/acme/connections", slack({ route: webhook(url) })),
  ],
  [
    "a changed connection",
    (url) => asAcme("PATCH", "/tenants/acme/connections/acme-slack", { route: hive(url) }),
  ],
  ["an instance", (url) => asAcme("POST", "/instances/create", slack({ baseUrl: url }))],
  [
    "a conversation's route",
    (url) =>
      asAcme("PUT", `/conversations/${world.acme.conversation}/settings`, { route: webhook(url) }),
  ],
];

describe.skipIf(!NASTY_PRESENT)(`addresses the hub must not call${WHERE}`, () => {
  const at = ({ url }: UrlCase) => url.replace("HUB_OWN_HOST", OWN_HOST);

  for (const [where, ask] of PLACES) {
    test(`are refused as ${where}`, async () => {
      expect(urlCases().length).toBeGreaterThan(15);
      const accepted = [];
      for (const one of urlCases()) {
        const { status } = await ask(at(one));
        if (!one.expect.at_create.includes(status))
          accepted.push([one.id, one.title.slice(0, 60), status]);
      }
      expect(accepted).toEqual([]);
    });

    test(`and a public one is taken as ${where}`, async () => {
      const { status } = await ask("https://agents.example.com/hook");
      // The platform of that name is asked at once, and is not there.
      expect(where === "an instance" ? [201, 502, 504] : [200, 201]).toContain(status);
    });
  }
});

function asAcme(method: string, path: string, body: unknown): Promise<Answer> {
  return world.ask(method, path, { key: world.acme.keys.all, body });
}

function asOperator(path: string, body: unknown): Promise<Answer> {
  return world.ask("POST", path, { key: world.hub.adminKey, body });
}

const webhook = (url: string) => ({ kind: "webhook", url });
const hive = (url: string) => ({ kind: "hive", baseUrl: url });

function slack(more: object) {
  const id = fresh("slack");
  return { id, channel: "slack", teamId: id, credentials: { signingSecret: "s" }, ...more };
}
