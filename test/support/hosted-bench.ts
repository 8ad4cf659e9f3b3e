import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { type AccessToken, newTokenSecret, tokenSha256 } from "../../src/core/access-token.ts";
import type { Digest } from "../../src/core/digest.ts";
import { SqliteTokens } from "../../src/store/hosted/sqlite-tokens.ts";
import { temporaryFolder } from "../store/temporary-folder.ts";
import { type MirrorBench, startMirror } from "./mirror-bench.ts";

/** A part of an upload's form: text, or a file. */
export type Part = string | Blob;

/** A whole Assay with a hosted repository `skills`, and tokens for it. */
export interface HostedBench {
  readonly mirror: MirrorBench;
  /** Makes a token of alice's that may publish, unless told otherwise; answers its secret. */
  token(change?: Partial<AccessToken>): Promise<string>;
  /** `POST /packages` in one of the dialects, with alice's token. */
  publish(archive: Buffer, options?: PublishOptions): Promise<Response>;
  /** A request with a token. */
  send(method: string, path: string, options?: { token?: string | undefined; body?: unknown }): Promise<Response>;
}

export interface PublishOptions {
  readonly parts?: readonly (readonly [string, Part])[];
  readonly token?: string | undefined;
  readonly path?: string;
}

export async function startHosted(
  options: { readonly repository?: string; readonly more?: string; readonly policy?: string; readonly config?: string } = {},
): Promise<HostedBench> {
  const dataDir = temporaryFolder();
  writeFileSync(join(dataDir, "policy.yaml"), options.policy ?? "version: 1\nmode: enforce\n");
  const config = `
policy: ${join(dataDir, "policy.yaml")}
repositories:
  - {name: skills, ecosystem: aam, type: hosted${options.repository ?? ""}}
${options.more ?? ""}
${options.config ?? ""}
`;
  const mirror = await startMirror({ config, dataDir });
  onTestFinished(() => mirror.close());
  const token = (change: Partial<AccessToken> = {}): Promise<string> => addToken(dataDir, change);
  const alices = await token();
  return {
    mirror,
    token,
    publish: (archive, { parts = [], token: own = alices, path = "/skills/packages" } = {}) => {
      const body = new FormData();
      body.append("archive", new Blob([new Uint8Array(archive)]), "package.aam");
      for (const [name, part] of parts) {
        if (typeof part === "string") body.append(name, part);
        else body.append(name, part, name);
      }
      return fetch(`${mirror.url}${path}`, { method: "POST", body, headers: { Authorization: `Bearer ${own}` } });
    },
    send: (method, path, { token: own = alices, body } = {}) =>
      fetch(`${mirror.url}${path}`, {
        method,
        headers: { Authorization: `Bearer ${own}` },
        ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
      }),
  };
}

/** Puts a token into a data folder, as `assay token create` does, also while a mirror runs on it. */
export async function addToken(dataDir: string, change: Partial<AccessToken> = {}): Promise<string> {
  const secret = newTokenSecret();
  const tokens = await SqliteTokens.open({ dataDir });
  try {
    const id = secret.slice(4, 12);
    const token = { id, owner: "alice", scopes: ["publish"], repositories: ["skills"], packages: [], createdAt: 0, ...change } as const;
    await tokens.add({ token, secretSha256: tokenSha256(secret) as Digest });
    if (token.revokedAt !== undefined) await tokens.revoke(token.id, token.revokedAt);
  } finally {
    await tokens.close();
  }
  return secret;
}
