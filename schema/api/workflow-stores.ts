/** Wire shapes of what a tenant keeps for its workflows: secrets, which are never read, and data. */
import * as z from "zod";
import { Id } from "../connection.ts";
import { ActionName, SecretName } from "../workflow-value.ts";

/** Longest key of data, in characters (`platform/repositories/tenant-data.ts`). */
const KEY_CHARS_MAX = 256;
/** Longest value of a secret, in characters: a private key of 4096 bits has 3,300. */
const SECRET_CHARS_MAX = 8192;
/** Longest URL of a service, in characters (`workers/workflows/actions/service.ts`). */
const SERVICE_URL_CHARS_MAX = 2048;
/** Longest time of one call of a service, in ms: an hour (the same). */
const SERVICE_TIMEOUT_MS_MAX = 3_600_000;

/** Hosts that one secret may be sent to. */
export const SECRET_HOSTS_MAX = 20;
/** Longest name of a host, in characters (RFC 1035, 2.3.4). */
const HOST_CHARS_MAX = 253;

/** A name or an IPv4 address without port, or `*.` and a name of two parts at least. */
const SecretHost = z
  .string()
  .max(HOST_CHARS_MAX)
  .regex(
    /^(?:\*\.)?[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*$/,
    "must be a host such as api.example.com or *.example.com",
  )
  .refine(isHost, "must be a host as it stands in URLs; names behind *. have two parts at least");

/** As the URL parser writes it: no address in disguise. */
function isHost(text: string): boolean {
  const name = text.replace(/^\*\./, "").toLowerCase();
  const isName = URL.parse(`https://${name}/`)?.hostname === name;
  return isName && (name.length === text.length || (name.includes(".") && !/\.\d+$/.test(name)));
}

export const PutSecret = z.strictObject({
  tenant: Id.optional(),
  value: z.string().min(1).max(SECRET_CHARS_MAX),
  /** Where it may be sent; `[]`: nowhere, it only signs. Absent: what it says so far stays. `null`: it says nothing. */
  hosts: z.array(SecretHost).max(SECRET_HOSTS_MAX).nullable().optional(),
});

export const SecretList = z.object({
  items: z.array(
    z.object({
      name: z.string(),
      /** Null: nobody has said. */
      hosts: z.array(z.string()).nullable(),
      updated_at: z.iso.datetime(),
    }),
  ),
});

/** Letters, digits and `_ . : / @ + -`; begins with a letter or digit. */
export const DataKey = z
  .string()
  .max(KEY_CHARS_MAX)
  .regex(/^[A-Za-z0-9][A-Za-z0-9_.:/@+-]*$/);

/** What keys may begin with. */
export const DataPrefix = z
  .string()
  .max(KEY_CHARS_MAX)
  .regex(/^[A-Za-z0-9][A-Za-z0-9_.:/@+-]*$/);

/** Any JSON; a member of its own, so that `null` can be kept too. */
export const PutData = z
  .strictObject({ tenant: Id.optional(), value: z.unknown() })
  .refine(({ value }) => value !== undefined, { path: ["value"], error: "is missing" });

export const TenantDataView = z.object({
  key: z.string(),
  value: z.unknown(),
  /** Rises with every change; also the ETag. */
  revision: z.int(),
  updated_at: z.iso.datetime(),
});

/** Without its value. */
export const ListedDataView = TenantDataView.omit({ value: true });

/** An HTTP service of the tenant's own that definitions may name like any action. */
export const PutService = z.strictObject({
  tenant: Id.optional(),
  url: z.url({ protocol: /^https?$/ }).max(SERVICE_URL_CHARS_MAX),
  /** Name of the tenant's secret that signs calls (`whsec_…`); absent: they are not signed. */
  secret: SecretName.optional(),
  /** Of one call, ms; never longer than the step's attempt. */
  timeout_ms: z.int().min(1).max(SERVICE_TIMEOUT_MS_MAX).optional(),
});

export const ServiceView = z.object({
  action: ActionName,
  url: z.string(),
  secret: z.string().nullable(),
  timeout_ms: z.int().nullable(),
});

export const ServiceList = z.object({ items: z.array(ServiceView) });
