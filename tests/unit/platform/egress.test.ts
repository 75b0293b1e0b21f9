import { describe, expect, test } from "vitest";
import { checkDestination, guardedFetch } from "../../../platform/egress.ts";

const DOH = "https://resolver.example/dns-query";
const VARS = {
  ENVIRONMENT: "test",
  EGRESS_ALLOW: "127.0.0.1, sim.internal:9000",
  PUBLIC_URL: "https://hub.example.com",
  DOH_URL: DOH,
} as const;

type Records = Readonly<Record<string, readonly string[]>>;

/** A resolver with these A and AAAA records, and a web that answers everything with 302. */
function aWeb(records: Records, resolver?: (url: URL) => Response | Promise<Response>) {
  const calls: string[] = [];
  const web = async (input: string) => {
    calls.push(input);
    const url = new URL(input);
    if (!input.startsWith(DOH))
      return new Response(null, { status: 302, headers: { location: "http://10.0.0.1/" } });
    if (resolver) return resolver(url);
    const type = url.searchParams.get("type") === "A" ? 1 : 28;
    const data = records[url.searchParams.get("name") ?? ""] ?? [];
    const answers = data
      .filter((address) => address.includes(":") === (type === 28))
      .map((address) => ({ type, data: address }));
    const alias = { type: 5, data: "alias.example." };
    return Response.json({ Status: data.length > 0 ? 0 : 3, Answer: [alias, ...answers] });
  };
  return { calls, fetch: web as unknown as typeof fetch };
}

let named = 0;
/** A name nobody has looked up yet: answers are remembered. */
const aName = () => `host-${++named}.example.com`;

async function check(addresses: readonly string[]) {
  const name = aName();
  const { fetch } = aWeb({ [name]: addresses });
  return checkDestination(`https://${name}/`, { vars: VARS, fetch });
}

describe("checkDestination", () => {
  test("a name with public addresses only may be called", async () => {
    expect(await check(["93.184.216.34", "2606:2800:220::1"])).toMatchObject({ ok: true });
  });

  test.each([
    [["10.0.0.1"]],
    [["93.184.216.34", "127.0.0.1"]],
    [["93.184.216.34", "fd00::1"]],
    [["::ffff:169.254.169.254"]],
    [["93.184.216.34", "what?"]],
  ])("a name that leads to %j may not", async (addresses) => {
    expect(await check(addresses)).toEqual({
      ok: false,
      failure: { reason: "refused", rule: "private_address", retryable: false },
    });
  });

  test("a name without any address is worth another try", async () => {
    expect(await check([])).toEqual({
      ok: false,
      failure: { reason: "unresolvable", retryable: true },
    });
  });

  test.each([
    ["fails", () => new Response("", { status: 500 })],
    ["talks nonsense", () => new Response("<html>")],
    ["says SERVFAIL", () => Response.json({ Status: 2 })],
    ["is not there", () => Promise.reject(new TypeError("refused"))],
    [
      "answers one question only",
      (url: URL) =>
        url.searchParams.get("type") === "A"
          ? Response.json({ Status: 0, Answer: [{ type: 1, data: "93.184.216.34" }] })
          : new Response("", { status: 500 }),
    ],
  ])("nothing is called while the resolver %s", async (_, resolver) => {
    const { fetch } = aWeb({}, resolver);
    const verdict = await checkDestination(`https://${aName()}/`, { vars: VARS, fetch });
    expect(verdict).toEqual({ ok: false, failure: { reason: "lookup_failed", retryable: true } });
  });

  test("an answer is remembered for a minute, a failed look-up is not", async () => {
    const name = aName();
    const { calls, fetch } = aWeb({ [name]: ["93.184.216.34"] });
    const at = (nowMs: number) =>
      checkDestination(`https://${name}/`, { vars: VARS, fetch, nowMs });
    await at(0);
    await at(59_999);
    expect(calls).toHaveLength(2);
    await at(60_000);
    expect(calls).toHaveLength(4);
    const other = aName();
    const failing = aWeb({}, () => new Response("", { status: 500 }));
    await checkDestination(`https://${other}/`, { vars: VARS, fetch: failing.fetch, nowMs: 0 });
    const verdict = await checkDestination(`https://${other}/`, {
      vars: VARS,
      fetch: aWeb({ [other]: ["93.184.216.34"] }).fetch,
      nowMs: 1,
    });
    expect(verdict.ok).toBe(true);
  });

  test.each([["https://8.8.8.8/"], ["http://127.0.0.1:1234/"], ["http://sim.internal:9000/"]])(
    "%s needs no look-up",
    async (url) => {
      const { calls, fetch } = aWeb({});
      expect((await checkDestination(url, { vars: VARS, fetch })).ok).toBe(true);
      expect(calls).toEqual([]);
    },
  );

  test("without a resolver the literal check stands alone", async () => {
    const { calls, fetch } = aWeb({});
    const vars = { ...VARS, DOH_URL: "" };
    expect((await checkDestination("https://example.com/", { vars, fetch })).ok).toBe(true);
    expect(calls).toEqual([]);
  });

  test("in production neither the allow list nor plain http counts", async () => {
    const vars = { ...VARS, ENVIRONMENT: "production" } as const;
    for (const url of ["http://127.0.0.1/", "https://127.0.0.1/", "http://8.8.8.8/"]) {
      expect((await checkDestination(url, { vars, fetch: aWeb({}).fetch })).ok).toBe(false);
    }
  });
});

describe("guardedFetch", () => {
  test("gives a redirect back instead of following it", async () => {
    const { calls, fetch } = aWeb({});
    const answer = await guardedFetch(
      "https://8.8.8.8/",
      { redirect: "follow" },
      { vars: VARS, fetch },
    );
    expect(answer.ok && answer.value.status).toBe(302);
    expect(calls).toEqual(["https://8.8.8.8/"]);
  });

  test("makes no call to what is refused", async () => {
    const { calls, fetch } = aWeb({});
    const answer = await guardedFetch("http://[::1]/", {}, { vars: VARS, fetch });
    expect(answer).toMatchObject({ failure: { reason: "refused", rule: "private_address" } });
    expect(calls).toEqual([]);
  });

  test("names a timeout and a broken connection", async () => {
    const hang = (() => new Promise(() => undefined)) as unknown as typeof fetch;
    const slow = guardedFetch(
      "https://8.8.8.8/",
      { signal: AbortSignal.timeout(50) },
      { vars: VARS, fetch: hang },
    );
    expect(await slow).toEqual({ ok: false, failure: { reason: "timeout", retryable: true } });
    const reset = (() => Promise.reject(new TypeError("reset"))) as unknown as typeof fetch;
    const broken = await guardedFetch("https://8.8.8.8/", {}, { vars: VARS, fetch: reset });
    expect(broken).toEqual({ ok: false, failure: { reason: "network", retryable: true } });
  });
});
