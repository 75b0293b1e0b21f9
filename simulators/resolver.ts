/**
 * A DNS-over-HTTPS resolver in the JSON form (`application/dns-json`) over a small table, so that checks of
 * user-given URLs can be tried without the network: public names, names of private addresses, rebinding.
 */
import { asRecord, asText, json, type Reply, type SimRequest } from "./http.ts";
import { type ServerOptions, type Simulator, startSimulator } from "./simulator.ts";

/** Record types by name. Source: IANA DNS parameters. */
const TYPES: Readonly<Record<string, number>> = { A: 1, CNAME: 5, AAAA: 28 };
const NXDOMAIN = 3;
const SERVFAIL = 2;
const TTL_SECONDS = 60;

/** Names that are there from the start. A list that stands for `rebind` is answered one address a time. */
const BUILT_IN: Readonly<Record<string, readonly string[]>> = {
  "public.example": ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946"],
  "hooks.example": ["93.184.216.35"],
  localhost: ["127.0.0.1", "::1"],
  "private.example": ["10.0.0.7"],
  "metadata.example": ["169.254.169.254"],
  "mixed.example": ["93.184.216.34", "192.168.1.1"],
  "mapped.example": ["::ffff:127.0.0.1"],
};
const REBINDING: readonly string[] = ["93.184.216.34", "127.0.0.1"];

export interface ResolverOptions extends ServerOptions {
  /** More names; an empty list means the name exists without addresses. */
  readonly names?: Readonly<Record<string, readonly string[]>>;
}

export interface Resolver extends Simulator {
  /** Where to ask: `{url}/dns-query`. */
  readonly endpoint: string;
  set(name: string, addresses: readonly string[]): void;
}

/** Starts a resolver on 127.0.0.1. */
export async function startResolver(options: ResolverOptions = {}): Promise<Resolver> {
  const names = new Map([...Object.entries(BUILT_IN), ...Object.entries(options.names ?? {})]);
  const rebinds = new Map<string, number>();
  const simulator = await startSimulator(
    {
      name: "resolver",
      handle: (request) => answer(names, rebinds, request),
      tenantOf: () => null,
      sideDoor: {
        "POST /_sim/names": (request) => {
          for (const [name, addresses] of Object.entries(asRecord(request.body))) {
            if (Array.isArray(addresses)) names.set(name.toLowerCase(), addresses.map(String));
          }
          return json(Object.fromEntries(names));
        },
      },
      reset: () => rebinds.clear(),
    },
    options,
  );
  return {
    ...simulator,
    endpoint: `${simulator.url}/dns-query`,
    set: (name, addresses) => void names.set(name.toLowerCase(), addresses),
  };
}

function answer(
  names: ReadonlyMap<string, readonly string[]>,
  rebinds: Map<string, number>,
  request: SimRequest,
): Reply {
  if (request.path !== "/dns-query" && request.path !== "/resolve") return { status: 404 };
  const name = request.query.get("name")?.toLowerCase().replace(/\.$/, "");
  const asked = (request.query.get("type") ?? "A").toUpperCase();
  const type = TYPES[asked] ?? Number(asked);
  if (name === undefined || name === "" || Number.isNaN(type)) {
    return json({ error: "name and type expected" }, 400);
  }
  if (name.endsWith("servfail.example")) return reply(name, type, SERVFAIL, []);
  const addresses = addressesOf(names, rebinds, name);
  if (addresses === undefined) return reply(name, type, NXDOMAIN, []);
  const family = addresses.filter((address) => (address.includes(":") ? 28 : 1) === type);
  return reply(name, type, 0, family);
}

function addressesOf(
  names: ReadonlyMap<string, readonly string[]>,
  rebinds: Map<string, number>,
  name: string,
): readonly string[] | undefined {
  const known = names.get(name);
  if (known !== undefined) return known;
  if (name.endsWith(".localtest.me")) return ["127.0.0.1", "::1"];
  if (name.endsWith("rebind.example")) {
    const turn = rebinds.get(name) ?? 0;
    rebinds.set(name, turn + 1);
    return [REBINDING[Math.min(turn, REBINDING.length - 1)] ?? "127.0.0.1"];
  }
  const embedded =
    /(?:^|[.-])(\d{1,3})[.-](\d{1,3})[.-](\d{1,3})[.-](\d{1,3})\.(?:nip|sslip)\.io$/.exec(name);
  return embedded === null ? undefined : [embedded.slice(1).join(".")];
}

function reply(name: string, type: number, Status: number, addresses: readonly string[]): Reply {
  const Answer = addresses.map((data) => ({ name, type, TTL: TTL_SECONDS, data: asText(data) }));
  const body = {
    Status,
    TC: false,
    RD: true,
    RA: true,
    AD: false,
    CD: false,
    Question: [{ name, type }],
    ...(Answer.length > 0 && { Answer }),
  };
  return json(body, 200, { "content-type": "application/dns-json" });
}
