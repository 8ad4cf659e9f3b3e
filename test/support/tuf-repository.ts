import { createHash, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { Key, Metadata, MetaFile, Root, Signature, Snapshot, TargetFile, Targets, Timestamp } from "@tufjs/models";
import type { FakeUpstream } from "./fake-upstream.ts";

const ROLES = ["root", "timestamp", "snapshot", "targets"] as const;
type RoleName = (typeof ROLES)[number];

const DAY_MS = 86_400_000;

interface RoleKey {
  readonly key: Key;
  readonly privateKey: KeyObject;
}

export interface PublishOptions {
  /** When a role's file ends; a week from now where left out. */
  readonly expires?: Partial<Record<RoleName, Date>>;
  /** Keys that sign in place of the role's own. */
  readonly signedBy?: Partial<Record<RoleName, RoleKey>>;
  /** The version of timestamp, snapshot and targets; one more than the last where left out. */
  readonly version?: number;
  /** What the metadata says of a target, where that is not the truth. */
  readonly claimed?: { readonly length?: number; readonly sha256?: string };
}

/** A TUF repository on a fake upstream, with keys of its own and real signatures. What it publishes is rightly signed unless a test wants otherwise. */
export class TufRepository {
  readonly #upstream: FakeUpstream;
  readonly #path: string;
  #keys: Readonly<Record<RoleName, RoleKey>>;
  #root: Metadata<Root>;
  #version = 0;
  /** The first root.json: what an operator hands to Assay. */
  readonly rootJson: Buffer;

  constructor(upstream: FakeUpstream, path = "/tuf") {
    this.#upstream = upstream;
    this.#path = path;
    this.#keys = { root: roleKey(), timestamp: roleKey(), snapshot: roleKey(), targets: roleKey() };
    this.#root = this.#makeRoot(1, this.#keys, [this.#keys.root]);
    this.rootJson = jsonOf(this.#root);
  }

  get mirror(): string {
    return `${this.#upstream.origin}${this.#path}/`;
  }

  get version(): number {
    return this.#version;
  }

  /** Path of a target on the mirror. */
  targetPath(name: string, bytes: Buffer): string {
    const parts = name.split("/");
    const file = parts.pop() ?? "";
    return [this.#path, "targets", ...parts, `${sha256(bytes)}.${file}`].join("/");
  }

  metadataPath(file: string): string {
    return `${this.#path}/${file}`;
  }

  publish(targets: Readonly<Record<string, Buffer>>, options: PublishOptions = {}): void {
    const version = options.version ?? this.#version + 1;
    this.#version = version;
    const listed = Object.entries(targets).map(([path, bytes]) => {
      const { length = bytes.length, sha256: hash = sha256(bytes) } = options.claimed ?? {};
      this.#serve(`targets/${[...path.split("/").slice(0, -1), `${hash}.${path.split("/").at(-1)}`].join("/")}`, bytes);
      return [path, new TargetFile({ path, length, hashes: { sha256: hash } })] as const;
    });
    const common = (role: RoleName) => ({ version, specVersion: "1.0.31", expires: isoOf(options.expires?.[role] ?? inDays(7)) });
    const signed = <T extends Root | Timestamp | Snapshot | Targets>(role: RoleName, content: T): Buffer =>
      jsonOf(signedBy(new Metadata(content), [options.signedBy?.[role] ?? this.#keys[role]]));
    const meta = (bytes: Buffer) => new MetaFile({ version, length: bytes.length, hashes: { sha256: sha256(bytes) } });
    const targetsJson = signed("targets", new Targets({ ...common("targets"), targets: Object.fromEntries(listed) }));
    const snapshotJson = signed("snapshot", new Snapshot({ ...common("snapshot"), meta: { "targets.json": meta(targetsJson) } }));
    const timestampJson = signed("timestamp", new Timestamp({ ...common("timestamp"), snapshotMeta: meta(snapshotJson) }));
    this.#serve(`${version}.targets.json`, targetsJson);
    this.#serve(`${version}.snapshot.json`, snapshotJson);
    this.#serve("timestamp.json", timestampJson);
  }

  /** A new root with other keys for the other roles: signed by the old root key and its own, unless `signers` says otherwise. */
  rotate(options: { readonly signers?: readonly RoleKey[] } = {}): void {
    const keys = { root: roleKey(), timestamp: roleKey(), snapshot: roleKey(), targets: roleKey() };
    const version = this.#root.signed.version + 1;
    this.#root = this.#makeRoot(version, keys, options.signers ?? [this.#keys.root, keys.root]);
    this.#keys = keys;
    this.#serve(`${version}.root.json`, jsonOf(this.#root));
  }

  #makeRoot(version: number, keys: Readonly<Record<RoleName, RoleKey>>, signers: readonly RoleKey[]): Metadata<Root> {
    const root = new Root({ version, specVersion: "1.0.31", expires: isoOf(inDays(365)), consistentSnapshot: true });
    for (const role of ROLES) root.addKey(keys[role].key, role);
    return signedBy(new Metadata(root), signers);
  }

  #serve(file: string, body: Buffer): void {
    this.#upstream.serve(`${this.#path}/${file}`, { body, contentType: "application/json" });
  }
}

export function roleKey(): RoleKey {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const der = publicKey.export({ type: "spki", format: "der" });
  const keyID = createHash("sha256").update(der).digest("hex");
  const raw = der.subarray(-32).toString("hex");
  return { key: new Key({ keyID, keyType: "ed25519", scheme: "ed25519", keyVal: { public: raw } }), privateKey };
}

function signedBy<T extends Root | Timestamp | Snapshot | Targets>(metadata: Metadata<T>, signers: readonly RoleKey[]): Metadata<T> {
  for (const { key, privateKey } of signers) {
    metadata.sign((data) => new Signature({ keyID: key.keyID, sig: sign(null, data, privateKey).toString("hex") }));
  }
  return metadata;
}

function jsonOf(metadata: { toJSON(): unknown }): Buffer {
  return Buffer.from(JSON.stringify(metadata.toJSON()));
}

function sha256(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}

function inDays(days: number): Date {
  return new Date(Date.now() + days * DAY_MS);
}

/** To the second, as the specification writes times. */
function isoOf(date: Date): string {
  return `${date.toISOString().slice(0, 19)}Z`;
}
