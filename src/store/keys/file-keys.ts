import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { link, open, readdir, stat, unlink } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { AssayError } from "../../core/errors.ts";
import { keyIdOf } from "../../core/key-id.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { PublishedKey, SigningKey, SigningKeys } from "../../core/ports/signing-keys.ts";
import { FILE_MODE, makeFolder, syncFolder } from "../folders.ts";
import { storeError, systemCode } from "../store-error.ts";
import { readSecretFile, requireSecretFolder } from "./secret-file.ts";

/** Bytes of one file of the ring. */
const MAX_KEY_BYTES = 16 * 1024;
/** A key a day for ten years. */
const MAX_KEYS = 4096;
const ENTRY = /^([1-9]\d{0,4})\.json$/;

const entrySchema = z.strictObject({ id: z.string(), publicKey: z.string(), validFrom: z.iso.datetime() });

/** A key's place in the ring: the highest number signs. */
interface Entry {
  readonly number: number;
  readonly id: string;
  readonly pem: string;
  readonly validFrom: number;
}

/**
 * The key ring `keys/` of the data folder, mode 0700: `1.json`, `2.json`, … name the public keys in turn and are never changed; `<hex of the id>.pem` is the private
 * half of the newest, mode 0600. An entry gets its name by a link, which fails where another process was faster: of any number that start at once, one makes the key.
 * A crash leaves a private key without an entry, which signs nothing.
 */
export class FileKeys implements SigningKeys {
  readonly #folder: string;
  readonly #clock: Clock;
  #known: { readonly state: string; readonly entries: readonly [Entry, ...Entry[]] } | undefined;
  #signing: SigningKey | undefined;

  constructor({ dataDir, clock }: { readonly dataDir: string; readonly clock: Clock }) {
    this.#folder = join(dataDir, "keys");
    this.#clock = clock;
  }

  async published(): Promise<readonly [PublishedKey, ...PublishedKey[]]> {
    const entries = await this.#entries();
    const keys = entries.map(({ id, pem, validFrom }, index) => {
      const next = entries[index + 1];
      return { id, pem, validFrom, ...(next ? { validUntil: next.validFrom } : {}) };
    });
    const [newest, ...older] = keys.toReversed();
    if (!newest) throw new Error("a key ring has at least one key");
    return [newest, ...older];
  }

  /** Looks twice, since another process may put a new key in place between reading the ring and reading the key. */
  async signer(): Promise<SigningKey> {
    for (let attempt = 1; ; attempt++) {
      const { id } = newestOf(await this.#entries());
      if (this.#signing?.keyId === id) return this.#signing;
      const pem = await readSecretFile(join(this.#folder, privateFile(id)), "the signing key", MAX_KEY_BYTES);
      if (pem) {
        const key = privateKeyOf(pem, id);
        this.#signing = { keyId: id, sign: (bytes) => sign(null, bytes, key) };
        return this.#signing;
      }
      if (attempt > 1) {
        throw new AssayError("CONFIG_INVALID", `the private half of the key ${id} is gone`, {
          help: "`assay keys rotate` makes a new key",
        });
      }
    }
  }

  async rotate(): Promise<PublishedKey> {
    const old = newestOf(await this.#entries());
    const made = await this.#make(old.number + 1, Math.max(this.#clock.now(), old.validFrom + 1));
    if (!made) throw new AssayError("BUSY", "another process has just put a new key in place", { help: "see `assay keys show`" });
    // Whoever steals the disk from now on can no longer sign in the name of the old key.
    await this.#remove(privateFile(old.id));
    return { id: made.id, pem: made.pem, validFrom: made.validFrom };
  }

  /** Oldest first. Read again only where the folder has changed. */
  async #entries(): Promise<readonly [Entry, ...Entry[]]> {
    await this.#makeFolder();
    for (;;) {
      await requireSecretFolder(this.#folder);
      // Before the reading: a change in between is then seen the next time.
      const state = await this.#state();
      if (this.#known?.state === state) return this.#known.entries;
      const [first, ...others] = await this.#read();
      if (first) {
        this.#known = { state, entries: [first, ...others] };
        return this.#known.entries;
      }
      // Where another process is faster, its key is ours too.
      await this.#make(1, this.#clock.now());
    }
  }

  async #makeFolder(): Promise<void> {
    try {
      await makeFolder(this.#folder);
    } catch (error) {
      throw storeError(error, "make the folder of the signing keys");
    }
  }

  /** Changes with every file that comes or goes. */
  async #state(): Promise<string> {
    const { ino, mtimeNs } = await stat(this.#folder, { bigint: true });
    return `${ino} ${mtimeNs}`;
  }

  async #read(): Promise<readonly Entry[]> {
    const numbers = (await readdir(this.#folder)).flatMap((name) => ENTRY.exec(name)?.[1] ?? []).map(Number);
    if (numbers.length > MAX_KEYS) throw new AssayError("STORE_CORRUPT", `the key ring has ${numbers.length} keys, more than ${MAX_KEYS}`);
    const entries = await Promise.all(numbers.sort((left, right) => left - right).map((number) => this.#readEntry(number)));
    return entries.filter((entry) => entry !== undefined);
  }

  async #readEntry(number: number): Promise<Entry | undefined> {
    const what = `keys/${number}.json`;
    const body = await readSecretFile(join(this.#folder, `${number}.json`), what, MAX_KEY_BYTES);
    if (!body) return undefined;
    try {
      const { id, publicKey, validFrom } = entrySchema.parse(JSON.parse(body.toString("utf8")));
      if (keyIdOf(createPublicKey(publicKey)) !== id) throw new Error("its id is not that of its key");
      return { number, id, pem: publicKey, validFrom: Date.parse(validFrom) };
    } catch (error) {
      throw new AssayError("STORE_CORRUPT", `${what} is not an entry of a key ring`, { cause: error });
    }
  }

  /** The private half first, the entry last: it is the commit point. Undefined where another process has made that entry. */
  async #make(number: number, now: number): Promise<Entry | undefined> {
    const { publicKey, privateKey } = generateKeyPairSync("ed25519");
    const id = keyIdOf(publicKey);
    const pem = publicKey.export({ type: "spki", format: "pem" }).toString();
    const entry = { id, publicKey: pem, validFrom: new Date(now).toISOString() };
    const draft = `${hexOf(id)}.draft`;
    let isOurs = false;
    try {
      await this.#write(privateFile(id), privateKey.export({ type: "pkcs8", format: "pem" }).toString());
      await this.#write(draft, `${JSON.stringify(entry, undefined, 2)}\n`);
      await syncFolder(this.#folder);
      await link(join(this.#folder, draft), join(this.#folder, `${number}.json`));
      isOurs = true;
      await syncFolder(this.#folder);
      return { number, id, pem, validFrom: now };
    } catch (error) {
      if (!isOurs && systemCode(error) === "EEXIST") return undefined;
      throw storeError(error, "write a signing key");
    } finally {
      await this.#remove(draft);
      if (!isOurs) await this.#remove(privateFile(id));
    }
  }

  async #write(name: string, text: string): Promise<void> {
    const file = await open(join(this.#folder, name), "wx", FILE_MODE);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
  }

  async #remove(name: string): Promise<void> {
    try {
      await unlink(join(this.#folder, name));
      await syncFolder(this.#folder);
    } catch (error) {
      if (systemCode(error) !== "ENOENT") throw storeError(error, "remove a file of the key ring");
    }
  }
}

function newestOf(entries: readonly [Entry, ...Entry[]]): Entry {
  return entries.at(-1) ?? entries[0];
}

function privateKeyOf(pem: Buffer, id: string): KeyObject {
  let key: KeyObject;
  try {
    key = createPrivateKey(pem);
  } catch (error) {
    throw new AssayError("STORE_CORRUPT", "the signing key cannot be read", { cause: error });
  }
  if (key.asymmetricKeyType === "ed25519" && keyIdOf(createPublicKey(key)) === id) return key;
  throw new AssayError("STORE_CORRUPT", `the signing key is not the private half of ${id}`);
}

function hexOf(id: string): string {
  return id.slice("sha256:".length);
}

function privateFile(id: string): string {
  return `${hexOf(id)}.pem`;
}
