import { AssayError } from "../../core/errors.ts";
import type { DecisionTree } from "../../core/ports/decision-tree.ts";
import type { PublishedKey, SigningKeys } from "../../core/ports/signing-keys.ts";
import { type Checkpoint, checkpointText, isSignedBy, parseCheckpoint, signedNote } from "../../core/tlog/checkpoint.ts";
import { noteKeyOf } from "../../core/tlog/note-key.ts";

interface CheckpointSignerDeps {
  readonly tree: Pick<DecisionTree, "size" | "root" | "newestCheckpoint" | "keep">;
  readonly keys: Pick<SigningKeys, "published" | "signer">;
  /** The log's name for itself, which may be made of its keys. */
  readonly originOf: (keys: readonly PublishedKey[]) => string;
}

/** Signs what the decision log has come to. Each checkpoint goes on from the one before, and is kept before anybody sees it: so the log cannot say two things. */
export class CheckpointSigner {
  readonly #deps: CheckpointSignerDeps;

  constructor(deps: CheckpointSignerDeps) {
    this.#deps = deps;
  }

  /**
   * The checkpoint of all that is committed, signed now where the log has grown or the key is another. Throws STORE_CORRUPT, and signs nothing, where the log is no continuation of what was
   * signed before; what `DecisionTree` and `SigningKeys` throw.
   */
  async current(): Promise<Checkpoint> {
    const { tree, keys, originOf } = this.#deps;
    // In this order: the tree that another process signs a moment later is no shortage of ours.
    const newest = await tree.newestCheckpoint();
    const size = await tree.size();
    const published = await keys.published();
    if (newest) await this.#mustContinue(newest, size, published);
    const signer = await keys.signer();
    const pem = published.find(({ id }) => id === signer.keyId)?.pem;
    if (pem === undefined) throw new AssayError("BUSY", "another process has just put a new key in place", { retryAfterSeconds: 1 });
    const origin = originOf(published);
    const key = noteKeyOf(origin, pem);
    if (newest?.size === size && isSignedBy(newest, [key])) return newest;
    const text = checkpointText({ origin, size, root: await tree.root(size) });
    const checkpoint = parseCheckpoint(signedNote(text, key, signer.sign(Buffer.from(text))));
    if (!checkpoint) throw new Error("a checkpoint of our own cannot be read");
    return tree.keep(checkpoint);
  }

  async #mustContinue(newest: Checkpoint, size: number, published: readonly PublishedKey[]): Promise<void> {
    const help = "`assay log verify` says what differs; restore the data folder's newest backup, and see the README on a log that was lost";
    const keys = published.map(({ pem }) => noteKeyOf(newest.origin, pem));
    if (!isSignedBy(newest, keys)) {
      throw new AssayError("STORE_CORRUPT", "the newest checkpoint of the decision log is not signed by a key of this Assay", { help });
    }
    if (newest.size > size) {
      throw new AssayError(
        "STORE_CORRUPT",
        `the decision log was cut: a checkpoint was signed over ${newest.size} entries, and it has ${size}`,
        { help },
      );
    }
    if (!(await this.#deps.tree.root(newest.size)).equals(newest.root)) {
      throw new AssayError(
        "STORE_CORRUPT",
        `the decision log was changed since a checkpoint was signed over its first ${newest.size} entries`,
        {
          help,
        },
      );
    }
  }
}
