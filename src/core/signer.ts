/**
 * What a Fulcio certificate says about where and by what a signature was made. Every field comes from the certificate's extensions
 * (OIDs below 1.3.6.1.4.1.57264.1), never from the signed document.
 */
export interface SourceClaims {
  /** Source repository URI (.12): `https://github.com/acme/tool`. */
  readonly repository?: string;
  /** Numeric ids of the repository (.15) and of its owner (.17): they survive renames and defeat re-registered names. */
  readonly repositoryId?: string;
  readonly ownerId?: string;
  /** Commit (.13) and ref (.14). */
  readonly commit?: string;
  readonly ref?: string;
  /** Build config URI (.18): the workflow at the top, in the source repository. */
  readonly buildConfig?: string;
  /** Build signer URI (.9): the workflow that asked for the certificate; another repository's where it is a reusable one. */
  readonly buildSigner?: string;
  /** Runner environment (.11): `github-hosted` or `self-hosted`. */
  readonly runner?: string;
  /** Build trigger (.20): `push`, `release`, … */
  readonly trigger?: string;
  /** Deployment environment (.23). */
  readonly environment?: string;
  /** Run invocation URI (.21). */
  readonly invocation?: string;
}

export interface SigstoreSigner {
  readonly kind: "sigstore";
  /** Name of the trust root that it was verified under; `public` is built in. */
  readonly trust: string;
  /** OIDC issuer, exact (.8, or .1 of older certificates). */
  readonly issuer: string;
  /** Subject alternative name, with its type: an e-mail glob must never match a URI that ends in one. */
  readonly identity: { readonly type: "email" | "uri"; readonly value: string };
  readonly source: SourceClaims;
}

/** Who made a signature, as cryptography proves it; never as a document says. */
export type Signer =
  | SigstoreSigner
  /** A managed key of a Sigstore bundle, by the name that the operator or a trust root knows it by. */
  | { readonly kind: "key"; readonly keyId: string }
  /** Full fingerprint of the primary key, 40 or 64 lowercase hexadecimal characters. */
  | { readonly kind: "openpgp"; readonly fingerprint: string }
  /** A registry's own key: `SHA256:…`. */
  | { readonly kind: "registry"; readonly keyId: string }
  /** Another Assay, by the name of its key. */
  | { readonly kind: "vsa"; readonly keyId: string };
