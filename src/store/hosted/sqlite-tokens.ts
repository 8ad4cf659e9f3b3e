import { join } from "node:path";
import type Database from "better-sqlite3";
import { z } from "zod";
import { type AccessToken, TOKEN_SCOPES } from "../../core/access-token.ts";
import type { Digest } from "../../core/digest.ts";
import type { KeptToken, Tokens } from "../../core/ports/tokens.ts";
import { makeFolder } from "../folders.ts";
import { openDatabase } from "../sqlite/open-database.ts";
import { digestSchema, jsonColumn, readRow, timeSchema } from "../sqlite/read-row.ts";
import { Transactions } from "../sqlite/transactions.ts";
import { storeError } from "../store-error.ts";

const texts = z.array(z.string());

const rowSchema = z.object({
  id: z.string(),
  secretSha256: digestSchema,
  owner: z.string(),
  scopes: jsonColumn(z.array(z.enum(TOKEN_SCOPES))),
  repositories: jsonColumn(texts),
  packages: jsonColumn(texts),
  createdAt: timeSchema,
  expiresAt: timeSchema.nullable(),
  revokedAt: timeSchema.nullable(),
});

const SELECT = `
  SELECT id, secret_sha256 AS secretSha256, owner, scopes, repositories, packages, created_at AS createdAt, expires_at AS expiresAt, revoked_at AS revokedAt
  FROM tokens`;

/** Tokens in the index's database, through a connection of their own. */
export class SqliteTokens implements Tokens {
  readonly #database: Database.Database;
  readonly #transactions: Transactions;

  private constructor(database: Database.Database) {
    this.#database = database;
    this.#transactions = new Transactions(database, "the tokens");
  }

  /** Makes the data folder where it is missing. Throws what `openDatabase` throws. */
  static async open({ dataDir }: { readonly dataDir: string }): Promise<SqliteTokens> {
    try {
      await makeFolder(dataDir);
    } catch (error) {
      throw storeError(error, "make the data folder");
    }
    return new SqliteTokens(await openDatabase(join(dataDir, "assay.db")));
  }

  async add({ token, secretSha256 }: KeptToken): Promise<void> {
    this.#transactions.write(() =>
      this.#database
        .prepare(
          "INSERT INTO tokens (id, secret_sha256, owner, scopes, repositories, packages, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .run(
          token.id,
          Buffer.from(secretSha256, "hex"),
          token.owner,
          JSON.stringify(token.scopes),
          JSON.stringify(token.repositories),
          JSON.stringify(token.packages),
          token.createdAt,
          token.expiresAt ?? null,
        ),
    );
  }

  async find(secretSha256: Digest): Promise<KeptToken | undefined> {
    const find = () => this.#database.prepare(`${SELECT} WHERE secret_sha256 = ?`).get(Buffer.from(secretSha256, "hex"));
    const row = this.#transactions.read(find);
    return row === undefined ? undefined : toKept(row);
  }

  async all(): Promise<readonly AccessToken[]> {
    const rows = this.#transactions.read(() => this.#database.prepare(`${SELECT} ORDER BY created_at, id`).all());
    return rows.map((row) => toKept(row).token);
  }

  async revoke(id: string, at: number): Promise<boolean> {
    const revoke = () => this.#database.prepare("UPDATE tokens SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL").run(at, id);
    return this.#transactions.write(revoke).changes > 0;
  }

  async close(): Promise<void> {
    this.#database.close();
  }
}

function toKept(row: unknown): KeptToken {
  const { secretSha256, expiresAt, revokedAt, ...token } = readRow(rowSchema, row, "a token");
  return {
    secretSha256,
    token: { ...token, ...(expiresAt === null ? {} : { expiresAt }), ...(revokedAt === null ? {} : { revokedAt }) },
  };
}
