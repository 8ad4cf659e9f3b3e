import type { Config } from "../app/config.ts";
import { AssayError } from "../core/errors.ts";
import { printable } from "../core/printable.ts";
import { quote } from "../core/quote.ts";
import { MAX_CHECKPOINT_BYTES, parseCheckpoint } from "../core/tlog/checkpoint.ts";
import { MAX_PROOFS_BYTES, parseDecisionProofs } from "../core/tlog/decision-proofs.ts";
import { type NoteKey, parseVerifierKey } from "../core/tlog/note-key.ts";
import { type LogFinding, type NamedCheckpoint, verifyLog } from "../mirror/log/verify-log.ts";
import { verifyProofs } from "../mirror/log/verify-proofs.ts";
import { EXIT_DONE, EXIT_UNPROVEN } from "./exit.ts";
import { readBounded } from "./read-bounded.ts";
import { toJson } from "./to-json.ts";
import { usage } from "./usage-error.ts";
import { withLog } from "./with-log.ts";

export interface LogVerifyFlags {
  readonly checkpoint?: readonly string[];
  readonly key?: readonly string[];
  readonly proof?: string;
  readonly json?: true;
}

interface LogVerifyCommand {
  readonly config: Config;
  readonly print: (text: string) => void;
}

/**
 * `assay log verify`: the decision log against its hashes, what was signed of it, and checkpoints that were kept elsewhere; or with `--proof` a file of `assay log prove`, which needs no data folder.
 * Answers 0 where all is proven, else 65. Throws USAGE, BAD_REQUEST for a file that is none, NOT_FOUND for one that cannot be read and for a folder without a log, and what `verifyLog` throws.
 */
export async function verifyDecisionLog({ config, print }: LogVerifyCommand, flags: LogVerifyFlags): Promise<number> {
  const keys = (flags.key ?? []).map(keyOf);
  if (flags.proof !== undefined) return verifyProofFile(flags.proof, keys, flags, print);
  const given = await Promise.all((flags.checkpoint ?? []).map(readCheckpoint));
  const report = await withLog(config, ({ tree, keysAs }) => verifyLog({ tree, keysAs, given, givenKeys: keys }));
  const { entries, checkpoints, findings } = report;
  const root = report.root.toString("base64");
  if (flags.json) print(toJson({ entries, root, checkpoints, verified: findings.length === 0, findings }));
  else if (findings.length > 0) print(findings.map(line).join(""));
  else print(`${entries} entries follow from each other and from ${checkpoints} signed checkpoints\nroot ${root}\n`);
  return findings.length === 0 ? EXIT_DONE : EXIT_UNPROVEN;
}

async function verifyProofFile(
  path: string,
  keys: readonly NoteKey[],
  flags: LogVerifyFlags,
  print: (text: string) => void,
): Promise<number> {
  if (keys.length === 0)
    throw usage("--proof: whose log it is must be said with --key", "`assay log key` prints it, on the machine of the log");
  if (flags.checkpoint) throw usage("--proof has its own checkpoints: leave out --checkpoint");
  const proven = parseDecisionProofs(await readBounded(path, MAX_PROOFS_BYTES));
  const findings = verifyProofs(proven, keys);
  if (flags.json) print(toJson({ entries: proven.length, verified: findings.length === 0, findings }));
  else if (findings.length > 0) print(findings.map(line).join(""));
  else print(proven.map(({ entry, proof }) => `position ${proof.position}: ${printable(entry)}\n`).join(""));
  return findings.length === 0 ? EXIT_DONE : EXIT_UNPROVEN;
}

function line({ position, text }: LogFinding): string {
  return `${printable(position === null ? text : `position ${position}: ${text}`)}\n`;
}

async function readCheckpoint(path: string): Promise<NamedCheckpoint> {
  const checkpoint = parseCheckpoint((await readBounded(path, MAX_CHECKPOINT_BYTES)).toString("utf8"));
  if (checkpoint) return { name: path, checkpoint };
  throw new AssayError("BAD_REQUEST", `${quote(path)} is not a checkpoint`, { help: "`assay log checkpoint` prints one" });
}

function keyOf(text: string): NoteKey {
  const key = parseVerifierKey(text.trim());
  if (key) return key;
  throw usage(`--key: expected a verifier key NAME+HINT+KEY, got ${quote(text)}`, "`assay log key` prints it, on the machine of the log");
}
