/** Hosts of secrets: what a list covers, in every spelling of a host, and which hosts a definition fixes. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  canonicalHosts,
  hostnameOf,
  hostRefusal,
  literalHost,
} from "../../../../../domain/workflows/secrets/hosts.ts";

describe("a list", () => {
  test.each([
    [["api.example.com"], "https://api.example.com/x", undefined],
    [["api.example.com"], "https://API.Example.COM./x", undefined],
    [["api.example.com"], "https://api.example.com:8443/x", undefined],
    [["api.example.com"], "https://example.com/", "host_not_listed"],
    [["api.example.com"], "https://v2.api.example.com/", "host_not_listed"],
    [["api.example.com"], "https://api.example.com.evil.example/", "host_not_listed"],
    [["api.example.com"], "https://api.example.com@evil.example/", "host_not_listed"],
    [["api.example.com"], "https://evil.example/?api.example.com", "host_not_listed"],
    [["api.example.com"], "https://evil.example#.api.example.com", "host_not_listed"],
    [["api.example.com"], "https:\\\\evil.example\\.api.example.com", "host_not_listed"],
    [["*.example.com"], "https://api.example.com/", undefined],
    [["*.example.com"], "https://a.b.example.com/", undefined],
    [["*.example.com"], "https://example.com/", "host_not_listed"],
    [["*.example.com"], "https://evilexample.com/", "host_not_listed"],
    [["*.example.com"], "https://.example.com/", "host_not_listed"],
    [["*.example.com", "example.com"], "https://example.com/", undefined],
    [["xn--bcher-kva.example"], "https://bücher.example/", undefined],
    [["127.0.0.1"], "https://0x7f.1/", undefined],
    [["localhost"], "http://localhost:8080/", undefined],
    [[], "https://api.example.com/", "host_not_listed"],
  ])("%j and %s: %s", (hosts, url, expected) => {
    const hostname = hostnameOf(url) ?? "";
    for (const need of [true, false]) expect(hostRefusal(hostname, { hosts }, need)).toBe(expected);
  });

  test("that is not there is asked for only where the tenant wants one", () => {
    expect(hostRefusal("a.example", {}, false)).toBeUndefined();
    expect(hostRefusal("a.example", {}, true)).toBe("no_hosts");
  });

  test("is kept in one form", () => {
    expect(canonicalHosts(["B.example", "a.example", "b.EXAMPLE"])).toEqual([
      "a.example",
      "b.example",
    ]);
  });

  test("never covers what its own text does not end with", () => {
    fc.assert(
      fc.property(fc.domain(), fc.domain(), fc.boolean(), (listed, asked, below) => {
        const hosts = [below ? `*.${listed}` : listed];
        const is = hostRefusal(asked, { hosts }, true) === undefined;
        expect(is).toBe(below ? asked.endsWith(`.${listed}`) : asked === listed);
      }),
    );
  });
});

describe("the host of an address in a definition", () => {
  test.each([
    ["https://stock.example.com/reservations/{{ input.id }}", "stock.example.com"],
    ["https://stock.example.com/{id}", "stock.example.com"],
    ["https://stock.example.com?x={{ input.x }}", "stock.example.com"],
    ["https://Stock.Example.com", "stock.example.com"],
    ["https://stock.example.com{{ input.rest }}", undefined],
    ["https://{{ input.host }}/x", undefined],
    ["https://{host}/x", undefined],
    ["https://a:{{ input.x }}/", undefined],
    ["{{ input.url }}", undefined],
    ["https://good.example\\@{{ input.x }}/", undefined],
    ["https:/{{ input.host }}/", undefined],
    ["nonsense", undefined],
    [{ $ref: "input.url" }, undefined],
    [undefined, undefined],
  ])("%j is %j", (address, expected) => {
    expect(literalHost(address)).toBe(expected);
  });

  test("is what it is in every run", () => {
    fc.assert(
      fc.property(fc.webUrl(), fc.string(), (start, rest) => {
        const host = literalHost(`${start}{{ input.rest }}`);
        const filled = URL.parse(start + rest);
        if (host !== undefined && filled) expect(hostnameOf(filled.href)).toBe(host);
      }),
    );
  });
});
