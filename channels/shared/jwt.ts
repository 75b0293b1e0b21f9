/**
 * Compact JWTs signed with HS256 (RFC 7515, RFC 7519): the signature is checked before any claim is
 * read, and no other algorithm is ever accepted. What the claims must say is the caller's decision.
 */
import { fail, ok, type Result } from "../../domain/result.ts";
import { type Fields, fieldsOf, memberOf } from "./fields.ts";
import { verifyHmacBytes } from "./hmac.ts";

/** Longest token looked at; Evolution's have about 200 characters. */
const TOKEN_CHARS_MAX = 4096;
const TOKEN = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/;
const encoder = new TextEncoder();

/** The verified claims; `malformed` for what is no HS256 token, `mismatch` for a foreign signature. */
export async function verifyHs256(
  secret: string,
  token: string,
): Promise<Result<Fields, { readonly reason: "malformed" | "mismatch" }>> {
  const [header = "", claims = "", signature = ""] = partsOf(token);
  const bytes = bytesOf(signature);
  const head = objectIn(header);
  // RFC 7515 4.1.11: a critical extension that is not understood makes the token invalid; none is understood.
  const critical = memberOf(head, "crit") !== undefined;
  if (bytes === undefined || critical || memberOf(head, "alg") !== "HS256") {
    return fail({ reason: "malformed" });
  }
  if (!(await verifyHmacBytes(secret, [encoder.encode(`${header}.${claims}`)], bytes))) {
    return fail({ reason: "mismatch" });
  }
  const fields = objectIn(claims);
  return fields === undefined ? fail({ reason: "malformed" }) : ok(fields);
}

function partsOf(token: string): readonly string[] {
  return token.length <= TOKEN_CHARS_MAX && TOKEN.test(token) ? token.split(".") : [];
}

function objectIn(part: string): Fields | undefined {
  const bytes = bytesOf(part);
  if (bytes === undefined) {
    return undefined;
  }
  try {
    return fieldsOf(JSON.parse(new TextDecoder().decode(bytes)));
  } catch {
    return undefined;
  }
}

function bytesOf(base64Url: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    const binary = atob(base64Url.replaceAll("-", "+").replaceAll("_", "/"));
    return binary === "" ? undefined : Uint8Array.from(binary, (char) => char.charCodeAt(0));
  } catch {
    return undefined;
  }
}
