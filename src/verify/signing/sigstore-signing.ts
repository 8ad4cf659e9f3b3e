import { bundleToJSON } from "@sigstore/bundle";
import {
  type BundleBuilderOptions,
  DEFAULT_FULCIO_URL,
  DEFAULT_REKOR_URL,
  DSSEBundleBuilder,
  FulcioSigner,
  MessageSignatureBundleBuilder,
  RekorWitness,
  TSAWitness,
} from "@sigstore/sign";
import { AssayError } from "../../core/errors.ts";
import { quote } from "../../core/quote.ts";
import { STATEMENT_PAYLOAD_TYPE } from "../sigstore/statement.ts";
import type { IdentityToken } from "./identity-token.ts";

/** Where a Sigstore instance answers. Each address is of a base, such as `https://fulcio.example`. */
export interface SigstoreServices {
  readonly fulcio: URL;
  /** A transparency log of the first generation, which gives the time too. */
  readonly rekor: URL;
  /** A time-stamping authority, where the log's word for the time is not enough. */
  readonly timestamps?: URL;
}

/** The public-good instance, as the library knows it. */
export const PUBLIC_SERVICES: SigstoreServices = { fulcio: new URL(DEFAULT_FULCIO_URL), rekor: new URL(DEFAULT_REKOR_URL) };

const TIMEOUT_MS = 30_000;
const RETRY = { retries: 2, minTimeout: 500, maxTimeout: 4_000 };

/**
 * Signs without a key of one's own: the instance certifies a key that lives for one signature, for whoever the token names, and records the signature. Each call asks for a
 * certificate of its own. Throws UPSTREAM_AUTH where the instance refuses the token, UPSTREAM_STATUS, UPSTREAM_UNREACHABLE and UPSTREAM_MALFORMED for what else goes
 * wrong with it; no message holds the token.
 */
export class SigstoreSigning {
  readonly #options: BundleBuilderOptions;

  constructor({ fulcio, rekor, timestamps }: SigstoreServices, token: IdentityToken) {
    const patience = { timeout: TIMEOUT_MS, retry: RETRY };
    const identityProvider = { getToken: () => Promise.resolve(token.reveal()) };
    this.#options = {
      signer: new FulcioSigner({ ...patience, fulcioBaseURL: baseOf(fulcio), identityProvider }),
      witnesses: [
        // An entry that is there already is that of an answer which got lost on the way.
        new RekorWitness({ ...patience, rekorBaseURL: baseOf(rekor), majorApiVersion: 1, entryType: "dsse", fetchOnConflict: true }),
        ...(timestamps ? [new TSAWitness({ ...patience, tsaBaseURL: baseOf(timestamps) })] : []),
      ],
    };
  }

  /** A bundle with a signature over `bytes`, as the text of its file. */
  async signBytes(bytes: Buffer): Promise<Buffer> {
    const builder = new MessageSignatureBundleBuilder(this.#options);
    return textOf(() => builder.create({ data: bytes }));
  }

  /** A bundle with a DSSE envelope around an in-toto statement, as the text of its file. */
  async signStatement(statement: Buffer): Promise<Buffer> {
    const builder = new DSSEBundleBuilder({ ...this.#options, certificateChain: false });
    return textOf(() => builder.create({ data: statement, type: STATEMENT_PAYLOAD_TYPE }));
  }
}

async function textOf(create: () => Promise<Parameters<typeof bundleToJSON>[0]>): Promise<Buffer> {
  try {
    return Buffer.from(`${JSON.stringify(bundleToJSON(await create()))}\n`);
  } catch (error) {
    throw failure(error);
  }
}

/** What each code of the library is about, in words for people. */
const SERVICES: Readonly<Record<string, string>> = {
  CA_CREATE_SIGNING_CERTIFICATE_ERROR: "the certificate authority (Fulcio)",
  TLOG_CREATE_ENTRY_ERROR: "the transparency log (Rekor)",
  TLOG_FETCH_ENTRY_ERROR: "the transparency log (Rekor)",
  TSA_CREATE_TIMESTAMP_ERROR: "the time-stamping authority",
};

/** The library's message for a token that it cannot read has the token in it, so none of its messages is told but what a service answered. */
function failure(error: unknown): AssayError {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const service = SERVICES[code];
  if (service === undefined)
    return new AssayError("UPSTREAM_MALFORMED", "the Sigstore instance answered what cannot be made a bundle of", { cause: error });
  const { status, message } = answerIn(error);
  if (status === undefined)
    return new AssayError("UPSTREAM_UNREACHABLE", `${service} of the Sigstore instance gave no answer`, { cause: error });
  const refused = code === "CA_CREATE_SIGNING_CERTIFICATE_ERROR" && status >= 400 && status < 500;
  return new AssayError(
    refused ? "UPSTREAM_AUTH" : "UPSTREAM_STATUS",
    `${service} of the Sigstore instance answered ${status}: ${quote(message)}`,
    {
      upstreamStatus: status,
      cause: error,
      ...(refused ? { help: "is the identity token of an issuer that the instance trusts, for its audience, and not expired?" } : {}),
    },
  );
}

function answerIn(error: unknown): { readonly status: number | undefined; readonly message: string } {
  const cause = error instanceof Error ? error.cause : undefined;
  const status = cause instanceof Error && "statusCode" in cause && typeof cause.statusCode === "number" ? cause.statusCode : undefined;
  return { status, message: cause instanceof Error ? cause.message : "" };
}

/** The library puts its paths right behind. */
function baseOf({ href }: URL): string {
  return href.replace(/\/$/, "");
}
