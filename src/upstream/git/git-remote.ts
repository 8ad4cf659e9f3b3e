import { createHash } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { rootCertificates } from "node:tls";
import type { GitRepository } from "../../core/git.ts";
import type { UpstreamOptions } from "../options.ts";
import { gitEnvironment, protocolOf, remoteSettings } from "./git-environment.ts";

export interface RemoteOptions {
  /** Where a file of certificates may be written. Must exist. */
  readonly folder: string;
  /** PATH, where git is looked for. */
  readonly searchPath: string | undefined;
}

/** Ends with a slash. The parts of its path are names that were parsed, so they stand in it as they are. */
export function addressOf({ upstream }: UpstreamOptions, { owner, name }: GitRepository): URL {
  return new URL(`${owner}/${name}/`, upstream.url);
}

/** The environment of a git process that may speak to this upstream, and to no other way of reaching anything. */
export async function remoteEnvironment(reach: UpstreamOptions, { folder, searchPath }: RemoteOptions): Promise<NodeJS.ProcessEnv> {
  return gitEnvironment(searchPath, protocolOf(reach.upstream.url), remoteSettings(reach, await certificates(reach, folder)));
}

/** A file with the upstream's own certificates and the usual ones: git takes one file for all. */
async function certificates({ ca }: UpstreamOptions, folder: string): Promise<string | undefined> {
  if (ca === undefined) return undefined;
  const text = `${[ca, ...rootCertificates].join("\n")}\n`;
  const path = join(folder, `ca-${createHash("sha256").update(text).digest("hex").slice(0, 32)}.pem`);
  await writeFile(path, text, { mode: 0o600 });
  return path;
}
