import { AssayError } from "../core/errors.ts";
import { quote } from "../core/quote.ts";
import { type OpenpgpSigner, readOpenpgpSigner } from "../verify/openpgp/sign-openpgp.ts";
import { ambientToken } from "../verify/signing/ambient-token.ts";
import { IdentityToken } from "../verify/signing/identity-token.ts";
import { readBounded } from "./read-bounded.ts";
import { usage } from "./usage-error.ts";

/** How a publisher says who signs. */
export interface SecretFlags {
  readonly identityToken?: string;
  readonly identityTokenEnv?: string;
  readonly identityTokenFile?: string;
  readonly oidcAudience?: string;
  readonly gpgKeyFile?: string;
  readonly gpgPassphraseEnv?: string;
  readonly gpgPassphraseFile?: string;
}

interface SecretSources {
  readonly env: NodeJS.ProcessEnv;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Writes a text to standard error. */
  readonly warn: (text: string) => void;
}

const MAX_SECRET_BYTES = 64 * 1024;
/** What GitLab CI and others call the token that they give for Sigstore. */
const AMBIENT_VARIABLE = "SIGSTORE_ID_TOKEN";

/**
 * Who signs with a Sigstore instance: the token that was given, or else the one that the CI service offers. Throws UNAUTHORIZED where there is none that can be used, and what
 * `secretOf` throws.
 */
export async function identityOf(command: SecretSources, flags: SecretFlags): Promise<IdentityToken> {
  const { env, now } = command;
  if (flags.identityToken !== undefined) {
    command.warn(
      "warning: every user of this machine can read --identity-token among its processes: use --identity-token-file or --identity-token-env\n",
    );
    return IdentityToken.parse(flags.identityToken, "--identity-token", now);
  }
  const given = await secretOf(command, "identity-token", flags.identityTokenEnv, flags.identityTokenFile);
  if (given !== undefined) return IdentityToken.parse(given, flags.identityTokenFile ?? flags.identityTokenEnv ?? "", now);
  const variable = env[AMBIENT_VARIABLE];
  if (variable) return IdentityToken.parse(variable, AMBIENT_VARIABLE, now);
  const ambient = await ambientToken(flags.oidcAudience ?? "sigstore");
  if (ambient !== undefined) return IdentityToken.parse(ambient, "the CI service", now);
  throw new AssayError("UNAUTHORIZED", "there is no identity token to sign with: none was given, and no CI service offers one", {
    help: "give --identity-token-file FILE; in GitHub Actions allow `id-token: write`, in GitLab CI define `id_tokens: {SIGSTORE_ID_TOKEN: {aud: sigstore}}`",
  });
}

/** Who signs with an OpenPGP key; undefined where no key was given. Throws USAGE, and what `secretOf` and `readOpenpgpSigner` throw. */
export async function openpgpOf(
  command: SecretSources,
  { gpgKeyFile, gpgPassphraseEnv, gpgPassphraseFile }: SecretFlags,
): Promise<OpenpgpSigner | undefined> {
  const passphrase = await secretOf(command, "gpg-passphrase", gpgPassphraseEnv, gpgPassphraseFile);
  if (gpgKeyFile === undefined) {
    if (passphrase !== undefined) throw usage("a passphrase is for --gpg-key-file", "add it");
    return undefined;
  }
  const armored = (await readWhole(gpgKeyFile, MAX_SECRET_BYTES)).toString("utf8");
  return readOpenpgpSigner({ armored, passphrase, source: gpgKeyFile }, command.now);
}

/** From a variable or a file; undefined where neither is named. Throws USAGE for both at once and for a variable that is not set, and what `readWhole` throws. */
export async function secretOf(
  { env }: SecretSources,
  what: string,
  variable: string | undefined,
  file: string | undefined,
): Promise<string | undefined> {
  if (variable !== undefined && file !== undefined)
    throw usage(`expected one of --${what}-env and --${what}-file, got both`, "leave one out");
  if (file !== undefined) return (await readWhole(file, MAX_SECRET_BYTES)).toString("utf8").trim();
  if (variable === undefined) return undefined;
  const value = env[variable];
  if (value) return value.trim();
  throw usage(`--${what}-env: the variable ${quote(variable)} is not set`, "give the name of a variable, not the secret itself");
}

/** A whole file. Throws NOT_FOUND for one that cannot be read, BAD_REQUEST for one with more than `maxBytes`. */
export async function readWhole(path: string, maxBytes: number): Promise<Buffer> {
  const body = await readBounded(path, maxBytes).catch((error: unknown) => {
    throw new AssayError("NOT_FOUND", `${quote(path)} cannot be read`, { cause: error });
  });
  if (body.length <= maxBytes) return body;
  throw new AssayError("BAD_REQUEST", `${quote(path)} has more than ${maxBytes} bytes`);
}
