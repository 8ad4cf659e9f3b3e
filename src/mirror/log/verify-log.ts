import type { DecisionTree } from "../../core/ports/decision-tree.ts";
import { type Checkpoint, isSignedBy, parseCheckpoint } from "../../core/tlog/checkpoint.ts";
import type { NoteKey } from "../../core/tlog/note-key.ts";
import { entryProblem } from "./entry-problem.ts";
import { RecomputedTree } from "./recomputed-tree.ts";

/** A checkpoint that somebody kept, under the name that it is told by. */
export interface NamedCheckpoint {
  readonly name: string;
  readonly checkpoint: Checkpoint;
}

interface VerifyLogDeps {
  readonly tree: Pick<DecisionTree, "size" | "hashes" | "entries" | "newestCheckpoint" | "checkpoints">;
  /** The keys of this Assay as the log of that name. */
  readonly keysAs: (origin: string) => readonly NoteKey[];
  /** Checkpoints that were kept elsewhere, and whose signature counts for them; none given, that of this Assay. */
  readonly given: readonly NamedCheckpoint[];
  readonly givenKeys: readonly NoteKey[];
}

/** One thing that is not as it was. */
export interface LogFinding {
  /** The first entry that it concerns, where one can be named. */
  readonly position: number | null;
  readonly text: string;
}

export interface LogReport {
  readonly entries: number;
  /** Recomputed from the entries alone. */
  readonly root: Buffer;
  /** Checkpoints that the log was compared with. */
  readonly checkpoints: number;
  /** None where all is proven. */
  readonly findings: readonly LogFinding[];
}

const PAGE = 500;
/** Past it nothing more is told: the first one is what matters. */
const MAX_FINDINGS = 100;

/**
 * Recomputes the hash tree of the decision log from its entries, a page at a time, and compares it with every hash that is kept and every checkpoint that was signed or given, while the
 * log may grow. Throws what `DecisionTree` throws.
 */
export async function verifyLog(deps: VerifyLogDeps): Promise<LogReport> {
  const { tree, given } = deps;
  // In this order: what is signed while we look is beyond what we look at.
  const newest = await tree.newestCheckpoint();
  const size = await tree.size();
  const newestNamed = newest ? [{ name: "the newest checkpoint", checkpoint: newest }] : [];
  const verification = new Verification(deps, [...given, ...newestNamed]);
  while (verification.size < size && !verification.isOver) await verification.readPage(Math.min(PAGE, size - verification.size));
  return verification.report(size);
}

class Verification {
  readonly #deps: VerifyLogDeps;
  /** What was given, and the newest of our own. */
  readonly #asked: readonly NamedCheckpoint[];
  readonly #recomputed = new RecomputedTree();
  readonly #findings: LogFinding[] = [];
  #checkpoints = 0;
  /** The largest tree that is what was signed, and the smallest that is not. */
  #signedUpTo = 0;
  #brokenAt = Number.POSITIVE_INFINITY;
  /** The first hash that is kept and does not follow from the entries. Those above it follow from it, and do not either. */
  #otherHash: { readonly level: number; readonly number: number } | undefined;
  #isOver = false;

  constructor(deps: VerifyLogDeps, asked: readonly NamedCheckpoint[]) {
    this.#deps = deps;
    this.#asked = asked;
    for (const { name, checkpoint } of asked) this.#checkSignature(name, checkpoint);
  }

  get size(): number {
    return this.#recomputed.size;
  }

  /** Nothing after it can be recomputed, or there is enough to tell. */
  get isOver(): boolean {
    return this.#isOver || this.#findings.length >= MAX_FINDINGS;
  }

  async readPage(count: number): Promise<void> {
    const from = this.size;
    const due = await this.#due(from, from + count);
    const sizes = new Set(due.map(({ checkpoint }) => checkpoint.size));
    const roots = new Map<number, Buffer>();
    const levels: { readonly first: number; readonly hashes: Buffer[] }[] = [];
    for (const kept of await this.#deps.tree.entries(from, count)) {
      if (kept.position !== this.size) break;
      const problem = entryProblem(kept);
      if (problem !== undefined) this.#find(kept.position, problem);
      if (sizes.has(this.size)) roots.set(this.size, this.#recomputed.root());
      for (const { level, number, hash } of this.#recomputed.add(kept.text)) {
        levels[level] ??= { first: number, hashes: [] };
        levels[level].hashes.push(hash);
      }
    }
    for (const [level, { first, hashes }] of levels.entries()) await this.#compareHashes(level, first, hashes);
    for (const one of due) this.#compareRoot(one, roots.get(one.checkpoint.size));
    if (this.size - from === count) return;
    this.#isOver = true;
    this.#find(this.size, "there is a hash, but no entry: it was removed, or the end of the log was cut off");
  }

  /** What is to be said of a log with `size` entries once they were read. */
  async report(size: number): Promise<LogReport> {
    for (const one of await this.#due(this.size, this.size + 1)) this.#compareRoot(one, this.#recomputed.root());
    for (const { name, checkpoint } of this.#asked) {
      if (checkpoint.size <= size) continue;
      this.#find(size, `the log was cut: ${name} was signed over ${checkpoint.size} entries, and there are ${size}`);
    }
    this.#tellOtherHash();
    const findings = this.#findings
      .toSorted((one, other) => (one.position ?? Infinity) - (other.position ?? Infinity))
      .slice(0, MAX_FINDINGS);
    return { entries: this.size, root: this.#recomputed.root(), checkpoints: this.#checkpoints, findings };
  }

  #checkSignature(name: string, checkpoint: Checkpoint): void {
    const { keysAs, given, givenKeys } = this.#deps;
    const isGiven = given.some((one) => one.checkpoint === checkpoint);
    const keys = isGiven && givenKeys.length > 0 ? givenKeys : keysAs(checkpoint.origin);
    if (isSignedBy(checkpoint, keys)) return;
    this.#find(null, `${name} is not signed by ${isGiven && givenKeys.length > 0 ? "a key that was given" : "a key of this Assay"}`);
  }

  async #compareHashes(level: number, first: number, hashes: readonly Buffer[]): Promise<void> {
    if (this.#otherHash) return;
    const kept = await this.#deps.tree.hashes(level, first, hashes.length);
    const other = hashes.findIndex((hash, index) => !kept[index]?.equals(hash));
    if (other >= 0) this.#otherHash = { level, number: first + other };
  }

  #tellOtherHash(): void {
    if (!this.#otherHash) return;
    const { level, number } = this.#otherHash;
    const position = number * 2 ** level;
    if (level > 0) this.#find(position, `hash ${number} at level ${level} of the tree was changed or removed`);
    else if (position < this.#signedUpTo) this.#find(position, "its hash in the tree was changed or removed; the entry is what was signed");
    else if (position < this.#brokenAt && this.#brokenAt < Infinity) this.#find(position, "the entry was changed since it was signed");
    else this.#find(position, "the entry or its hash was changed; no checkpoint that could tell which was signed since");
  }

  /** Everything that was signed over `from` entries or more, and fewer than `to`. */
  async #due(from: number, to: number): Promise<readonly NamedCheckpoint[]> {
    const due = this.#asked.filter(({ checkpoint: { size } }) => size >= from && size < to);
    for (const note of await this.#deps.tree.checkpoints(from, to)) {
      const checkpoint = parseCheckpoint(note);
      if (checkpoint) {
        const name = `the checkpoint of ${checkpoint.size} entries in the index`;
        this.#checkSignature(name, checkpoint);
        due.push({ name, checkpoint });
      } else this.#find(null, "a checkpoint in the index cannot be read");
    }
    return due;
  }

  /** `recomputed` is that of the recomputed tree at the same size; undefined where entries are missing before it. */
  #compareRoot({ name, checkpoint: { size, root } }: NamedCheckpoint, recomputed: Buffer | undefined): void {
    if (!recomputed) return;
    this.#checkpoints++;
    if (recomputed.equals(root)) {
      this.#signedUpTo = Math.max(this.#signedUpTo, size);
      return;
    }
    this.#brokenAt = Math.min(this.#brokenAt, size);
    this.#find(null, `the first ${size} entries are not those that ${name} was signed over`);
  }

  #find(position: number | null, text: string): void {
    this.#findings.push({ position, text });
  }
}
