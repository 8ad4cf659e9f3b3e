import { createPublicKey } from "node:crypto";
import type { SigningKeys } from "../core/ports/signing-keys.ts";

/** The answer of `/.well-known/assay-keys.json`: whoever relies on this Assay's summaries pins an id from it. */
interface KeysAnswer {
  readonly keys: readonly {
    readonly keyid: string;
    readonly keytype: "ed25519";
    /** Base64 of the SubjectPublicKeyInfo. */
    readonly key: string;
    readonly pem: string;
    readonly validFrom: string;
    /** Null for the key that signs now. */
    readonly validUntil: string | null;
  }[];
}

/** Every key that this Assay signs with or signed with once, the one of now first. Throws what `published` throws. */
export async function answerKeys(signing: SigningKeys): Promise<KeysAnswer> {
  const keys = await signing.published();
  return {
    keys: keys.map(({ id, pem, validFrom, validUntil }) => ({
      keyid: id,
      keytype: "ed25519",
      key: createPublicKey(pem).export({ type: "spki", format: "der" }).toString("base64"),
      pem,
      validFrom: new Date(validFrom).toISOString(),
      validUntil: validUntil === undefined ? null : new Date(validUntil).toISOString(),
    })),
  };
}
