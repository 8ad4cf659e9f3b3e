import { createPublicKey } from "node:crypto";
import type { PublishedKey, SigningKeys } from "../core/ports/signing-keys.ts";
import { formatVerifierKey, noteKeyOf } from "../core/tlog/note-key.ts";

/** The answer of `/.well-known/assay-keys.json`: whoever relies on this Assay's summaries pins an id from it. */
interface KeysAnswer {
  readonly keys: readonly {
    readonly keyid: string;
    readonly keytype: "ed25519";
    /** Base64 of the SubjectPublicKeyInfo. */
    readonly key: string;
    readonly pem: string;
    /** The same key as programs take it that read checkpoints of the decision log. */
    readonly vkey: string;
    readonly validFrom: string;
    /** Null for the key that signs now. */
    readonly validUntil: string | null;
  }[];
}

/** Every key that this Assay signs with or signed with once, the one of now first. Throws what `published` throws. */
export async function answerKeys(signing: SigningKeys, logOrigin: (keys: readonly PublishedKey[]) => string): Promise<KeysAnswer> {
  const keys = await signing.published();
  const origin = logOrigin(keys);
  return {
    keys: keys.map(({ id, pem, validFrom, validUntil }) => ({
      keyid: id,
      keytype: "ed25519",
      key: createPublicKey(pem).export({ type: "spki", format: "der" }).toString("base64"),
      pem,
      vkey: formatVerifierKey(noteKeyOf(origin, pem)),
      validFrom: new Date(validFrom).toISOString(),
      validUntil: validUntil === undefined ? null : new Date(validUntil).toISOString(),
    })),
  };
}
