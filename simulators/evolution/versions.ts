/** The Evolution API releases whose wire shapes differ, and what differs. Facts only. */

export const EVOLUTION_VERSIONS = ["1", "2.3.6", "2.3.7", "2.4"] as const;
export type EvolutionVersion = (typeof EVOLUTION_VERSIONS)[number];

/** Differences between releases, as their sources have them. */
export interface VersionTraits {
  /** How a hidden id (LID) and its phone number share `key`. */
  readonly lid: "raw" | "alt" | "swapped";
  /** Plain text stays an `extendedTextMessage` (v1) or is flattened to `conversation`. */
  readonly keepsExtendedText: boolean;
  /** 2.4 release candidates lose the quote of a plain text. */
  readonly losesTextQuote: boolean;
  /** Sends take a client `messageId` and are idempotent by it. */
  readonly clientMessageId: boolean;
  /** Bytes inside webhooks: base64 strings (v1) or `{"0":..}` objects. */
  readonly bytes: "base64" | "index";
  /** Headers `X-Instance-ID` and its kin. */
  readonly instanceHeaders: boolean;
  /** Logging out an instance that is not connected is an error. */
  readonly logoutNeedsConnection: boolean;
}

const V23: VersionTraits = {
  lid: "alt",
  keepsExtendedText: false,
  losesTextQuote: false,
  clientMessageId: false,
  bytes: "index",
  instanceHeaders: false,
  logoutNeedsConnection: true,
};

export const TRAITS: Readonly<Record<EvolutionVersion, VersionTraits>> = {
  "1": { ...V23, lid: "raw", keepsExtendedText: true, bytes: "base64" },
  "2.3.6": { ...V23, lid: "raw" },
  "2.3.7": V23,
  "2.4": {
    ...V23,
    lid: "swapped",
    losesTextQuote: true,
    clientMessageId: true,
    instanceHeaders: true,
    logoutNeedsConnection: false,
  },
};
