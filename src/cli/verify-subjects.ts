import type { Config } from "../app/config.ts";
import { EXIT_DONE } from "./exit.ts";
import { worseExit } from "./print-reports.ts";
import { usage } from "./usage-error.ts";
import { type VerifyFlags, verify } from "./verify.ts";
import { verifyLock } from "./verify-lock.ts";
import { verifyPurls } from "./verify-purls.ts";

export interface SubjectFlags extends VerifyFlags {
  readonly lock?: string;
  readonly frozen?: true;
  readonly manifest?: string;
  readonly repository?: string;
  readonly offline?: true;
}

interface SubjectsCommand {
  readonly config: Config;
  readonly env: NodeJS.ProcessEnv;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Writes a text to standard output. */
  readonly print: (text: string) => void;
}

/** Flags that say what a file is verified by. The mirror's road finds evidence by itself. */
const FILE_FLAGS = [
  "bundle",
  "attestation",
  "signature",
  "trustedRoot",
  "key",
  "certificateIdentity",
  "certificateOidcIssuer",
  "purl",
  "name",
] as const satisfies readonly (keyof VerifyFlags)[];
/** Flags of the mirror's road, and those of a lock. */
const ROAD_FLAGS = ["repository", "offline"] as const satisfies readonly (keyof SubjectFlags)[];
const LOCK_FLAGS = ["frozen", "manifest"] as const satisfies readonly (keyof SubjectFlags)[];

/** `assay verify`: files by what is given with them, archives by the mirror's road, or all that a lock names. Throws USAGE for a mixture, and what each of the three throws. */
export async function verifySubjects(command: SubjectsCommand, subjects: readonly string[], flags: SubjectFlags): Promise<number> {
  const { lock } = flags;
  const purls = subjects.filter((subject) => subject.startsWith("pkg:"));
  if (lock !== undefined) {
    if (subjects.length > 0)
      throw usage("--lock says what is verified, and so does what stands beside it", "verify them one after the other");
    refuseFlags("a lock", FILE_FLAGS, flags);
    return verifyLock(command, { ...flags, lock });
  }
  if (subjects.length === 0) throw usage("expected a file, a package URL or --lock", "assay verify --help");
  if (purls.length === 0) {
    refuseFlags("a file", [...ROAD_FLAGS, ...LOCK_FLAGS], flags);
    return verifyFiles(command, subjects, flags);
  }
  if (purls.length < subjects.length)
    throw usage("files and package URLs are verified in different ways", "verify them one after the other; a file may be given as ./pkg:…");
  refuseFlags("a package URL", [...FILE_FLAGS, ...LOCK_FLAGS], flags);
  return verifyPurls({ ...command, json: flags.json === true, repository: flags.repository }, purls);
}

/** One after the other, each by all that was given. The JSON of one file is an object, that of several a list. */
async function verifyFiles(command: SubjectsCommand, files: readonly string[], flags: VerifyFlags): Promise<number> {
  if (files.length === 1) return verify(command, files[0] ?? "", flags);
  const texts: string[] = [];
  let exit = EXIT_DONE;
  for (const file of files) exit = worseExit(exit, await verify({ ...command, print: (text) => void texts.push(text) }, file, flags));
  command.print(flags.json ? `[\n${texts.map((text) => text.trimEnd()).join(",\n")}\n]\n` : texts.join("\n"));
  return exit;
}

function refuseFlags(subject: string, names: readonly (keyof SubjectFlags)[], flags: SubjectFlags): void {
  const wrong = names.find((name) => flags[name] !== undefined);
  if (wrong === undefined) return;
  const written = wrong.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  throw usage(`--${written} says nothing about ${subject}`, "leave it out");
}
