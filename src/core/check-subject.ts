import { ALGORITHMS, type Digests, WEAK_ALGORITHMS } from "./digest.ts";
import { type Checked, found, passed } from "./finding.ts";
import { quote } from "./quote.ts";
import type { Statement, StatementSubject } from "./statement.ts";

export interface SubjectRequest {
  /** Of the archive, as computed. */
  readonly digests: Digests;
  /** Whether a subject's name is the archive's. The name is the signer's text: compare it, make no path or pattern of it. */
  readonly nameMatches: (name: string) => boolean;
  /** For formats whose statements are about one archive only: PEP 740, npm. */
  readonly single?: boolean;
}

/**
 * The one subject that is this archive, by name and by every digest that both sides have; at least one of them must be strong. Other subjects are ignored:
 * a build may make several archives. SUBJECT_MISMATCH otherwise, also for the right digest under another name: then the statement is about another
 * package whose bytes happen to be here.
 */
export function checkSubject(statement: Statement, { digests, nameMatches, single = false }: SubjectRequest): Checked<StatementSubject> {
  const { subjects } = statement;
  if (single && subjects.length !== 1) return found("SUBJECT_MISMATCH", `expected exactly one subject, got ${subjects.length}`);
  const [subject, another] = subjects.filter(({ name }) => nameMatches(name));
  if (!subject) return found("SUBJECT_MISMATCH", notNamed(subjects, digests));
  if (another) return found("SUBJECT_MISMATCH", `two subjects are named ${quote(subject.name)}, so it is not clear which is meant`);
  const common = commonAlgorithms(subject, digests);
  const wrong = common.find((algorithm) => subject.digest[algorithm] !== digests[algorithm]);
  if (wrong) {
    const [expected, got] = [subject.digest[wrong] ?? "", digests[wrong] ?? ""];
    return found("SUBJECT_MISMATCH", `the statement is about ${wrong} ${quote(expected)}, the archive has ${got}`);
  }
  if (common.every((algorithm) => WEAK_ALGORITHMS.has(algorithm))) {
    const named = Object.keys(subject.digest).map(quote).join(", ");
    return found("SUBJECT_MISMATCH", `the subject has no digest that can be checked, only ${named || "none at all"}`);
  }
  return passed(subject);
}

function commonAlgorithms(subject: StatementSubject, digests: Digests) {
  return ALGORITHMS.filter((algorithm) => Object.hasOwn(subject.digest, algorithm) && digests[algorithm] !== undefined);
}

function notNamed(subjects: readonly StatementSubject[], digests: Digests): string {
  const same = subjects.find((subject) =>
    commonAlgorithms(subject, digests).some((algorithm) => subject.digest[algorithm] === digests[algorithm]),
  );
  if (same) return `the statement has the archive's digest under another name, ${quote(same.name)}`;
  const [first] = subjects;
  const more = subjects.length > 1 ? ` and ${subjects.length - 1} more` : "";
  return first ? `the statement is about ${quote(first.name)}${more}, not about this archive` : "the statement is about nothing";
}
