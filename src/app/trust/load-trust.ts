import { createHash } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { AssayError } from "../../core/errors.ts";
import type { Log } from "../../core/ports/log.ts";
import { parseRegistryKeys, type RegistryKey } from "../../verify/registry-signature/registry-keys.ts";
import { builtInRegistries, type VouchedRegistry, vouchedRegistries } from "../../verify/registry-signature/vouched-registries.ts";
import { parseTrustRoot, publicTrustRoot, type TrustRoot } from "../../verify/sigstore/trust-root.ts";
import { publicRepository, TRUSTED_ROOT_TARGET } from "../../verify/tuf/public-repository.ts";
import type { TrustConfig, TufConfig } from "../config.ts";
import { type KeptTrust, keptFile, readKept } from "./kept-trust.ts";

/** The one name that needs no configuration. */
export const PUBLIC = "public";

const PUBLIC_EVERY_MS = 86_400_000;
/** Bytes of an operator's file. The parsers have narrower bounds of their own. */
const MAX_FILE_BYTES = 4 * 1024 * 1024;

/** Roots and keys of one name, as the files say now. */
export interface LoadedTrust {
  readonly name: string;
  readonly from: "built in" | "file" | "tuf" | "none";
  /** Undefined where no Sigstore root was given, or where none has come from the mirror yet. */
  readonly root: TrustRoot | undefined;
  /** The operator's own. */
  readonly registryKeys: readonly RegistryKey[] | undefined;
  /** Registries that a TUF repository vouches for. */
  readonly registries: readonly VouchedRegistry[];
  readonly tuf: TufSource | undefined;
  readonly kept: KeptTrust | undefined;
  /** What to look at for changes. */
  readonly files: readonly string[];
}

/** Where a name is refreshed from. */
export interface TufSource {
  readonly name: string;
  readonly mirror: URL;
  /** What everything there is verified from, as long as nothing newer was. */
  readonly root: Buffer;
  /** See `KeptTrust`. */
  readonly basis: string;
  readonly targets: readonly [string, ...string[]];
  readonly everyMs: number;
  readonly ca: string | undefined;
}

/** Reads what holds for one name. Throws CONFIG_INVALID where a file of the operator cannot be used; what was kept of a mirror and is damaged is left out, and logged. */
export async function loadTrust(name: string, config: TrustConfig, { folder, log }: { folder: string; log: Log }): Promise<LoadedTrust> {
  const { sigstorePath, npmKeysPath } = config;
  const tuf = name === PUBLIC ? publicSource(config) : await operatorSource(name, config);
  const kept = tuf && (await recall(tuf, folder, log));
  const given = sigstorePath === undefined ? undefined : parseTrustRoot(await readOwn(name, sigstorePath), name, sigstorePath);
  const keysFile = npmKeysPath === undefined ? undefined : await readOwn(name, npmKeysPath);
  const rootPath = config.tuf === "off" ? undefined : config.tuf?.rootPath;
  return {
    name,
    ...rootOf(name, kept, tuf, given),
    registryKeys: keysFile && npmKeysPath !== undefined ? operatorKeys(name, keysFile, npmKeysPath) : undefined,
    registries: name === PUBLIC ? registriesOf(kept) : [],
    tuf,
    kept,
    files: [sigstorePath, npmKeysPath, rootPath, tuf && keptFile(folder, name)].filter((path) => path !== undefined),
  };
}

/** What a refresh brought: it must be usable as a whole before any of it is kept. Throws CONFIG_INVALID or UPSTREAM_MALFORMED. */
export function checkTargets({ name, mirror }: TufSource, targets: ReadonlyMap<string, Buffer>): void {
  const root = targets.get(TRUSTED_ROOT_TARGET);
  if (!root) throw new Error("a refresh came through without the target that it must have");
  parseTrustRoot(root, name, sourceOf(mirror));
  vouchedRegistries(targets, sourceOf(mirror));
}

function rootOf(
  name: string,
  kept: KeptTrust | undefined,
  tuf: TufSource | undefined,
  given: TrustRoot | undefined,
): Pick<LoadedTrust, "from" | "root"> {
  const refreshed = kept?.targets.get(TRUSTED_ROOT_TARGET);
  if (refreshed && tuf) return { from: "tuf", root: parseTrustRoot(refreshed, name, sourceOf(tuf.mirror)) };
  if (given) return { from: "file", root: given };
  return name === PUBLIC ? { from: "built in", root: publicTrustRoot() } : { from: "none", root: undefined };
}

function registriesOf(kept: KeptTrust | undefined): readonly VouchedRegistry[] {
  const refreshed = vouchedRegistries(kept?.targets ?? new Map(), "the registry keys of the TUF mirror");
  const isRefreshed = ({ registry }: VouchedRegistry): boolean => refreshed.some((other) => other.registry.href === registry.href);
  return [...refreshed, ...builtInRegistries().filter((registry) => !isRefreshed(registry))];
}

function publicSource({ tuf }: TrustConfig): TufSource | undefined {
  if (tuf === "off") return undefined;
  const { mirror, root, targets } = publicRepository();
  const others = [...targets.keys()].filter((name) => name !== TRUSTED_ROOT_TARGET);
  return {
    name: PUBLIC,
    mirror: tuf?.mirror ?? mirror,
    root,
    // Another one means that another release of the library is installed: what it ships may well be newer than what an earlier one had fetched.
    basis: sha256(...targets.values()),
    targets: [TRUSTED_ROOT_TARGET, ...others],
    everyMs: tuf?.everyMs ?? PUBLIC_EVERY_MS,
    ca: tuf?.ca,
  };
}

async function operatorSource(name: string, { tuf }: TrustConfig): Promise<TufSource | undefined> {
  const { mirror, rootPath, everyMs, ca } = (tuf ?? {}) as Partial<TufConfig>;
  if (!mirror || rootPath === undefined || everyMs === undefined) return undefined;
  const root = await readOwn(name, rootPath);
  return { name, mirror, root, basis: sha256(root), targets: [TRUSTED_ROOT_TARGET], everyMs, ca };
}

async function recall(source: TufSource, folder: string, log: Log): Promise<KeptTrust | undefined> {
  try {
    const kept = await readKept(folder, source.name);
    if (!kept || kept.basis === source.basis) {
      if (kept && kept.targets.size > 0) checkTargets(source, kept.targets);
      return kept;
    }
    // The metadata of the public repository goes on as it was, so that no mirror can go back behind it. An operator who gives another root.json means another repository.
    return source.name === PUBLIC ? { basis: source.basis, metadata: kept.metadata, targets: new Map() } : undefined;
  } catch (error) {
    log.warn({ err: error, trust: source.name }, "what was kept of a TUF mirror cannot be used; it is fetched anew");
    return undefined;
  }
}

function operatorKeys(name: string, body: Buffer, path: string): readonly RegistryKey[] {
  try {
    return parseRegistryKeys(body, { source: path });
  } catch (error) {
    if (!(error instanceof AssayError)) throw error;
    throw new AssayError("CONFIG_INVALID", `trust.${name}: ${error.message}`, { cause: error });
  }
}

async function readOwn(name: string, path: string): Promise<Buffer> {
  try {
    const { size } = await stat(path);
    if (size > MAX_FILE_BYTES) throw new Error(`it has ${size} bytes`);
    return await readFile(path);
  } catch (error) {
    throw new AssayError("CONFIG_INVALID", `trust.${name}: ${path} cannot be read`, { cause: error });
  }
}

function sourceOf(mirror: URL): string {
  return `the TUF mirror ${mirror.href}`;
}

function sha256(...parts: readonly Buffer[]): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest("hex");
}
