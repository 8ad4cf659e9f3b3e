import type { Config } from "../app/config.ts";
import { logOrigin } from "../app/log-origin.ts";
import type { DecisionTree } from "../core/ports/decision-tree.ts";
import type { PublishedKey } from "../core/ports/signing-keys.ts";
import { type NoteKey, noteKeyOf } from "../core/tlog/note-key.ts";
import { CheckpointSigner } from "../mirror/log/checkpoint-signer.ts";
import { FileKeys } from "../store/keys/file-keys.ts";
import { openExistingTree } from "../store/open-store.ts";

/** The decision log of a data folder, as commands work on it beside a mirror that may be running. */
export interface OpenLog {
  readonly tree: DecisionTree;
  readonly signer: CheckpointSigner;
  /** Every key of the data folder as the log of that name, by default the name that it has now; the one that signs first. */
  keysAs(origin?: string): readonly NoteKey[];
}

/** Throws NOT_FOUND where the data folder has no index, what `FileKeys` throws, and what `work` does. */
export async function withLog<T>(config: Pick<Config, "dataDir" | "log" | "publicUrl">, work: (log: OpenLog) => Promise<T>): Promise<T> {
  const { dataDir } = config;
  const tree = await openExistingTree({ dataDir });
  try {
    const keys = new FileKeys({ dataDir, clock: { now: Date.now } });
    const originOf = (published: readonly PublishedKey[]): string => logOrigin(config, published);
    const published = await keys.published();
    return await work({
      tree,
      signer: new CheckpointSigner({ tree, keys, originOf }),
      keysAs: (origin = originOf(published)) => published.map(({ pem }) => noteKeyOf(origin, pem)),
    });
  } finally {
    await tree.close();
  }
}
