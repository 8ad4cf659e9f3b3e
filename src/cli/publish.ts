import { join } from "node:path";
import { readPackage } from "../app/publish/read-package.ts";
import { type PackageSignature, signPackage } from "../app/publish/sign-package.ts";
import { type Uploaded, uploadPackage } from "../app/publish/upload-package.ts";
import { isLoopbackHost } from "../core/loopback.ts";
import { printable } from "../core/printable.ts";
import { quote } from "../core/quote.ts";
import { Secret } from "../core/secret.ts";
import { parseSourceDateEpoch } from "../ecosystems/aam/pack/source-date-epoch.ts";
import { PUBLIC_SERVICES, type SigstoreServices } from "../verify/signing/sigstore-signing.ts";
import { parseTrustRoot, publicTrustRoot, type TrustRoot } from "../verify/sigstore/trust-root.ts";
import { EXIT_DONE } from "./exit.ts";
import { publishJson, publishText } from "./publish-report.ts";
import { identityOf, openpgpOf, readWhole, type SecretFlags, secretOf } from "./publish-secrets.ts";
import { usage } from "./usage-error.ts";
import { writeOutput } from "./write-output.ts";

export interface PublishFlags extends SecretFlags {
  readonly to?: string;
  readonly dryRun?: true;
  readonly output?: string;
  readonly force?: true;
  readonly tag?: string;
  readonly tokenEnv?: string;
  readonly tokenFile?: string;
  readonly sign?: true;
  readonly provenance?: true;
  readonly source?: string;
  readonly builderId?: string;
  readonly allowDirty?: true;
  readonly fulcioUrl?: string;
  readonly rekorUrl?: string;
  readonly tsaUrl?: string;
  readonly trustedRoot?: string;
  readonly json?: true;
}

export interface PublishCommand {
  readonly env: NodeJS.ProcessEnv;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Writes a text to standard output. */
  readonly print: (text: string) => void;
  /** Writes a text to standard error. */
  readonly warn: (text: string) => void;
  /** Whether standard error is a terminal, on which a line may be written over. */
  readonly isTerminal: boolean;
}

const MAX_ROOT_BYTES = 1024 * 1024;
/** Besides the endings of the files beside an archive in a local registry, which Assay reads. */
const ENDINGS: Readonly<Record<PackageSignature["kind"], string>> = {
  sigstore: ".sigstore.json",
  gpg: ".asc",
  provenance: ".provenance.json",
};

/**
 * `assay publish ARCHIVE|DIR --to URL`: packs, signs, verifies what was signed, and uploads; with `--dry-run` writes the archive and the signatures to a folder in place of the upload. Throws USAGE for
 * flags that make no sense together, and what `readPackage`, `signPackage`, `uploadPackage` and `writeOutput` throw.
 */
export async function publish(command: PublishCommand, path: string, flags: PublishFlags): Promise<number> {
  const registry = checkUsage(flags);
  const { env, print } = command;
  const warn = (text: string): void => command.warn(`${printable(`warning: ${text}`)}\n`);
  const token = await secretOf(command, "token", flags.tokenEnv, flags.tokenFile);
  const subject = await readPackage(path, { epochSeconds: parseSourceDateEpoch(env["SOURCE_DATE_EPOCH"]), source: flags.source });
  for (const warning of subject.warnings) warn(warning);
  const signatures = await signPackage(subject, {
    sign: flags.sign === true,
    sigstore: { services: servicesOf(flags), token: () => identityOf(command, flags), root: await rootOf(flags) },
    openpgp: await openpgpOf(command, flags),
    provenance: flags.provenance && { env, builderId: flags.builderId, allowDirty: flags.allowDirty === true },
  });
  for (const signature of signatures) if (signature.kind !== "gpg") signature.checked.warnings.forEach(warn);
  const written = flags.dryRun ? await writeAll(subject, signatures, flags) : [];
  let uploaded: Uploaded | undefined;
  if (!flags.dryRun && registry) {
    const progress = progressLine(command, subject.file);
    uploaded = await uploadPackage(subject, signatures, {
      registry,
      token: token === undefined ? undefined : new Secret(token),
      tag: flags.tag,
      env,
      progress,
    });
  }
  // Whoever signs later what is there unsigned would take it for signed: the registry answers as if all was well.
  if (uploaded?.outcome === "there" && signatures.length > 0) {
    warn(
      "the registry had this version already, and keeps what came with it first: unless that was an upload of now whose answer was lost, what was signed now reaches nobody",
    );
  }
  print(flags.json ? publishJson(subject, signatures, { uploaded, written }) : publishText(subject, signatures, { uploaded, written }));
  return EXIT_DONE;
}

function checkUsage({ to, dryRun, output, sign, provenance, ...flags }: PublishFlags): URL | undefined {
  if (to === undefined && !dryRun) throw usage("expected the registry's address", "--to URL, or --dry-run to see what would be sent");
  if (output !== undefined && !dryRun) throw usage("--output is where --dry-run writes to", "assay pack makes an archive alone");
  const isPrivate = flags.fulcioUrl !== undefined || flags.rekorUrl !== undefined;
  if (isPrivate && (flags.fulcioUrl === undefined || flags.rekorUrl === undefined || flags.trustedRoot === undefined)) {
    throw usage(
      "--fulcio-url, --rekor-url and --trusted-root are of one Sigstore instance: expected all three",
      "what is signed is verified under that root at once",
    );
  }
  const tokens = [flags.identityToken, flags.identityTokenEnv, flags.identityTokenFile].filter((each) => each !== undefined);
  if (tokens.length > 1)
    throw usage("expected one identity token, got several", "give one of --identity-token-env, --identity-token-file, --identity-token");
  if (tokens.length > 0 && !sign && !provenance) throw usage("an identity token is for --sign and --provenance", "add one of them");
  if ((flags.builderId ?? flags.allowDirty ?? flags.source) !== undefined && !provenance) {
    throw usage("--builder-id, --allow-dirty and --source are for --provenance", "add it");
  }
  return to === undefined ? undefined : urlOf("--to", to);
}

/** The public-good instance, unless another is named. */
function servicesOf({ fulcioUrl, rekorUrl, tsaUrl }: PublishFlags): SigstoreServices {
  return {
    fulcio: fulcioUrl === undefined ? PUBLIC_SERVICES.fulcio : serviceOf("--fulcio-url", fulcioUrl),
    rekor: rekorUrl === undefined ? PUBLIC_SERVICES.rekor : serviceOf("--rekor-url", rekorUrl),
    ...(tsaUrl === undefined ? {} : { timestamps: serviceOf("--tsa-url", tsaUrl) }),
  };
}

/** The identity token is sent there. */
function serviceOf(flag: string, text: string): URL {
  const url = urlOf(flag, text);
  if (url.protocol === "https:" || isLoopbackHost(url.hostname)) return url;
  throw usage(
    `${flag}: expected an https address, got ${quote(url.origin)}`,
    "whoever reads the identity token on its way can sign as you",
  );
}

function urlOf(flag: string, text: string): URL {
  const url = URL.parse(text);
  if (!url || (url.protocol !== "https:" && url.protocol !== "http:"))
    throw usage(`${flag}: expected an http or https address, got ${quote(text)}`, "https://HOST/");
  if (url.username !== "" || url.password !== "")
    throw usage(`${flag}: expected no user name or password in the address`, "give a token with --token-env or --token-file");
  return url;
}

async function rootOf({ trustedRoot }: PublishFlags): Promise<TrustRoot> {
  if (trustedRoot === undefined) return publicTrustRoot();
  return parseTrustRoot(await readWhole(trustedRoot, MAX_ROOT_BYTES), "--trusted-root", trustedRoot);
}

/** The names are those that Assay looks for beside an archive in a local registry. */
async function writeAll(
  { file, bytes }: { readonly file: string; readonly bytes: Buffer },
  signatures: readonly PackageSignature[],
  { output = ".", force }: PublishFlags,
): Promise<readonly string[]> {
  const all = [{ name: file, content: bytes }, ...signatures.map(({ kind, text }) => ({ name: `${file}${ENDINGS[kind]}`, content: text }))];
  const paths: string[] = [];
  for (const { name, content } of all) {
    const path = join(output, name);
    await writeOutput(path, content, force === true);
    paths.push(path);
  }
  return paths;
}

/** On a terminal one line that is written over; elsewhere one line at the start and one at the end. */
function progressLine({ warn, isTerminal }: PublishCommand, file: string): (sentBytes: number, totalBytes: number) => void {
  return (sentBytes, totalBytes) => {
    const isLast = sentBytes >= totalBytes;
    if (isTerminal) warn(`\ruploading ${file}: ${sentBytes} of ${totalBytes} bytes${isLast ? "\n" : ""}`);
    else if (isLast) warn(`uploaded ${file}: ${totalBytes} bytes\n`);
  };
}
