import { quote } from "../../core/quote.ts";
import type { SourceClaims } from "../../core/signer.ts";
import { BundleFinding, certificateInvalid } from "./bundle-finding.ts";
import { readElement, TAG } from "./der.ts";

const FULCIO = "1.3.6.1.4.1.57264.1";
const MAX_CLAIM_CHARACTERS = 2048;
/** The only issuer whose certificates had no more than the first six extensions, and whose repositories they name without their host. */
const GITHUB_ACTIONS = "https://token.actions.githubusercontent.com";

interface CertificateClaims {
  readonly issuer: string;
  readonly source: SourceClaims;
}

/**
 * Issuer and source claims from Fulcio's own extensions: .8 to .23, or .1 to .6 of certificates from before 2023. Where both are there they
 * must agree, for a policy could be read against either. Throws CLAIM_CONFLICT, CERTIFICATE_INVALID.
 * https://github.com/sigstore/fulcio/blob/main/docs/oid-info.md
 */
export function readClaims(extensions: ReadonlyMap<string, Buffer>): CertificateClaims {
  const raw = (arc: number): string | undefined => {
    const value = extensions.get(`${FULCIO}.${arc}`);
    return value && readText(value, arc);
  };
  const wrapped = (arc: number): string | undefined => {
    const value = extensions.get(`${FULCIO}.${arc}`);
    return value && readText(readElement(value, TAG.utf8String).content, arc);
  };
  const issuer = agreed("issuer", wrapped(8), raw(1));
  if (issuer === undefined) throw certificateInvalid("the certificate names no issuer of the signer's identity");
  const repository = wrapped(12);
  const source = {
    repository: repository === undefined ? oldRepository(issuer, raw(5)) : agreedRepository(repository, raw(5)),
    repositoryId: wrapped(15),
    ownerId: wrapped(17),
    commit: agreed("commit", wrapped(13), raw(3)),
    ref: agreed("ref", wrapped(14), raw(6)),
    buildConfig: wrapped(18),
    buildSigner: wrapped(9),
    runner: wrapped(11),
    trigger: agreed("trigger", wrapped(20), raw(2)),
    environment: wrapped(23),
    invocation: wrapped(21),
  };
  return { issuer, source: withoutAbsent(source) };
}

function readText(bytes: Buffer, arc: number): string {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw certificateInvalid(`the certificate's extension ${FULCIO}.${arc} is not UTF-8`);
  }
  if (text.length > MAX_CLAIM_CHARACTERS || /\p{Cc}/u.test(text))
    throw certificateInvalid(`the certificate's extension ${FULCIO}.${arc} is too long or holds control characters`);
  return text;
}

function agreed(name: string, current: string | undefined, old: string | undefined): string | undefined {
  if (current !== undefined && old !== undefined && current !== old) throw conflict(name, current, old);
  return current ?? old;
}

/** The current extension is a URI, the old one only `owner/name`. */
function agreedRepository(current: string, old: string | undefined): string {
  if (old !== undefined && current.replace(/^https:\/\/[^/]+\//, "") !== old) throw conflict("repository", current, old);
  return current;
}

function oldRepository(issuer: string, old: string | undefined): string | undefined {
  return issuer === GITHUB_ACTIONS && old !== undefined ? `https://github.com/${old}` : undefined;
}

function conflict(name: string, current: string, old: string): BundleFinding {
  return new BundleFinding("CLAIM_CONFLICT", `the certificate names two values for its ${name}: ${quote(current)} and ${quote(old)}`);
}

function withoutAbsent(claims: Readonly<Record<keyof SourceClaims, string | undefined>>): SourceClaims {
  return Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== undefined));
}
