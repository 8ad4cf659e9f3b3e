import { randomBytes } from "node:crypto";
import type { Config } from "../app/config.ts";
import { type AccessToken, newTokenSecret, PACKAGE_STOPS, TOKEN_SCOPES, type TokenScope, tokenSha256 } from "../core/access-token.ts";
import { parseDuration } from "../core/duration.ts";
import { AssayError } from "../core/errors.ts";
import { parseGlob } from "../core/glob.ts";
import { printable } from "../core/printable.ts";
import { quote } from "../core/quote.ts";
import { SqliteTokens } from "../store/hosted/sqlite-tokens.ts";
import { EXIT_DONE } from "./exit.ts";
import { table } from "./table.ts";
import { toJson } from "./to-json.ts";

export interface TokenCommand {
  readonly config: Pick<Config, "dataDir" | "repositories">;
  /** Milliseconds since the epoch. */
  readonly now: number;
  readonly json: boolean;
  /** Writes a text to standard output. */
  readonly print: (text: string) => void;
}

export interface TokenFlags {
  readonly owner: string;
  readonly repository: readonly string[];
  readonly scope: readonly string[];
  readonly package?: readonly string[];
  readonly expires?: string;
}

const DEFAULT_LIFE = "90d";
const OWNER_CHARACTERS = 120;

/**
 * `assay token create`: prints the secret, once and alone on standard output's first line; what is kept is its hash. A running mirror knows the token at once.
 * Throws USAGE for flags that say nothing, and what the store throws.
 */
export async function createToken({ config, now, json, print }: TokenCommand, flags: TokenFlags): Promise<number> {
  const secret = newTokenSecret();
  const secretSha256 = tokenSha256(secret);
  if (!secretSha256) throw new Error("a new token is not of the form of a token");
  const token = tokenOf(flags, config, now);
  await withTokens(config, (tokens) => tokens.add({ token, secretSha256 }));
  print(json ? toJson({ token: secret, ...report(token) }) : `${secret}\n${printable(lineOf(token, now).join("  "))}\n`);
  return EXIT_DONE;
}

/** `assay token list`: all of them, also those that are good no more. Secrets are not there to be shown. */
export async function listTokens({ config, now, json, print }: TokenCommand): Promise<number> {
  const tokens = await withTokens(config, (kept) => kept.all());
  if (json) print(toJson({ tokens: tokens.map(report) }));
  else if (tokens.length > 0) print(`${table(tokens.map((token) => lineOf(token, now).map(printable))).join("\n")}\n`);
  return EXIT_DONE;
}

/** `assay token revoke ID`: good for nothing from now on. Throws NOT_FOUND where there is none that is still good. */
export async function revokeToken({ config, now, json, print }: TokenCommand, id: string): Promise<number> {
  if (!(await withTokens(config, (tokens) => tokens.revoke(id, now)))) {
    throw new AssayError("NOT_FOUND", `there is no token ${quote(id)} that is not revoked yet`, { help: "`assay token list` shows them" });
  }
  print(json ? toJson({ revoked: id, revokedAt: isoTime(now) }) : `${printable(id)} is revoked\n`);
  return EXIT_DONE;
}

async function withTokens<T>({ dataDir }: Pick<Config, "dataDir">, work: (tokens: SqliteTokens) => Promise<T>): Promise<T> {
  const tokens = await SqliteTokens.open({ dataDir });
  try {
    return await work(tokens);
  } finally {
    await tokens.close();
  }
}

function tokenOf(flags: TokenFlags, config: TokenCommand["config"], now: number): AccessToken {
  const lifeMs = lifeOf(flags.expires ?? DEFAULT_LIFE);
  return {
    id: randomBytes(6).toString("hex"),
    owner: ownerOf(flags.owner),
    scopes: flags.scope.map(scopeOf),
    repositories: flags.repository.map((name) => repositoryOf(name, config)),
    packages: (flags.package ?? []).map(patternOf),
    createdAt: now,
    ...(lifeMs === undefined ? {} : { expiresAt: now + lifeMs }),
  };
}

function ownerOf(text: string): string {
  if (text !== "" && text.length <= OWNER_CHARACTERS && /^[\x21-\x7e]+$/.test(text)) return text;
  throw new AssayError(
    "USAGE",
    `--owner: expected a name or e-mail address of at most ${OWNER_CHARACTERS} printable characters without spaces, got ${quote(text)}`,
  );
}

function scopeOf(text: string): TokenScope {
  const scope = TOKEN_SCOPES.find((known) => known === text);
  if (!scope) throw new AssayError("USAGE", `--scope: expected one of ${TOKEN_SCOPES.join(", ")}, got ${quote(text)}`);
  return scope;
}

/** One that is not there would make a token that works as soon as somebody adds it. */
function repositoryOf(text: string, { repositories }: TokenCommand["config"]): string {
  const hosted = repositories.filter(({ type }) => type === "hosted").map(({ name }) => name);
  if (hosted.includes(text)) return text;
  const help =
    hosted.length === 0 ? "the configuration has none: add {name: …, ecosystem: aam, type: hosted}" : `known: ${hosted.join(", ")}`;
  throw new AssayError("USAGE", `--repository: expected a repository of type hosted, got ${quote(text)}`, { help });
}

function patternOf(text: string): string {
  const glob = parseGlob(text, PACKAGE_STOPS);
  if (!glob.ok) throw new AssayError("USAGE", `--package: expected ${glob.expected}, got ${quote(text)}`);
  return text;
}

function lifeOf(text: string): number | undefined {
  if (text === "never") return undefined;
  const lifeMs = parseDuration(text);
  if (lifeMs !== undefined && lifeMs > 0) return lifeMs;
  throw new AssayError("USAGE", `--expires: expected a duration such as ${DEFAULT_LIFE} or 12h, or never, got ${quote(text)}`);
}

function lineOf(token: AccessToken, now: number): readonly string[] {
  const { id, owner, scopes, repositories, packages } = token;
  return [id, owner, scopes.join(","), repositories.join(","), packages.join(",") || "own packages", stateOf(token, now)];
}

function stateOf({ expiresAt, revokedAt }: AccessToken, now: number): string {
  if (revokedAt !== undefined) return `revoked ${isoTime(revokedAt)}`;
  if (expiresAt === undefined) return "does not expire";
  return `${expiresAt <= now ? "expired" : "expires"} ${isoTime(expiresAt)}`;
}

function report({ createdAt, expiresAt, revokedAt, ...token }: AccessToken) {
  const time = (at: number | undefined): string | null => (at === undefined ? null : isoTime(at));
  return { ...token, createdAt: time(createdAt), expiresAt: time(expiresAt), revokedAt: time(revokedAt) };
}

function isoTime(time: number): string {
  return new Date(time).toISOString();
}
