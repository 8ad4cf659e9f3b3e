import { AssayError } from "../../core/errors.ts";
import { quote } from "../../core/quote.ts";
import { PREDICATE_TYPES } from "../../verify/provenance/predicate.ts";
import { readPredicate } from "../../verify/provenance/read-predicate.ts";
import type { BuildEnvironment } from "./build-environment.ts";
import type { GitSource } from "./git-source.ts";
import { repositoryUrl } from "./repository-url.ts";

/** The archive that a statement is about, and how it was packed. */
export interface PackedSubject {
  readonly name: string;
  readonly version: string;
  /** SHA-256, in hexadecimal. */
  readonly digest: string;
  readonly epochSeconds: number;
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  readonly finishedAt: number;
}

export interface ProvenanceFacts {
  readonly subject: PackedSubject;
  readonly git: GitSource;
  /** Undefined outside a CI service. */
  readonly build: BuildEnvironment | undefined;
  /** Who builds, where no CI service says so. */
  readonly builderId: string | undefined;
}

const STATEMENT_TYPE = "https://in-toto.io/Statement/v1";
/** Of section 14.5: what `assay pack` does. */
const BUILD_TYPE = "https://uaaps.github.io/build/aam-pack/v1";

/**
 * The in-toto statement of section 14.5 of the AAM specification, as the text to sign. Of the members that the specification leaves open, `invocation.parameters` has what a rebuild needs: the
 * package's folder in the repository and the time that its files have. A tree with changes is never called reproducible, and its materials are not complete.
 * Throws BAD_REQUEST where git and the CI service speak of two commits, and where one of the statement's required parts is not known.
 */
export function provenanceStatement({ subject, git, build, builderId }: ProvenanceFacts): Buffer {
  if (build && build.commit !== git.commit) {
    throw new AssayError("BAD_REQUEST", `git has checked out the commit ${git.commit}, but the CI service builds ${quote(build.commit)}`, {
      help: "publish from the commit that the job was started for",
    });
  }
  const isClean = git.changes.length === 0;
  const source = { uri: sourceUri(git, build), digest: { [git.commit.length === 64 ? "sha256" : "sha1"]: git.commit } };
  const statement = {
    _type: STATEMENT_TYPE,
    subject: [{ name: `${subject.name}-${subject.version}.aam`, digest: { sha256: subject.digest } }],
    predicateType: PREDICATE_TYPES.uaaps,
    predicate: {
      builder: {
        id: build?.builderId ?? builderId ?? fail("who builds", "outside GitHub Actions and GitLab CI, say so with --builder-id URI"),
      },
      buildType: BUILD_TYPE,
      invocation: {
        configSource: { ...source, ...(build?.entryPoint === undefined ? {} : { entryPoint: build.entryPoint }) },
        parameters: { folder: git.folder, sourceDateEpoch: subject.epochSeconds },
        ...(isClean ? {} : { environment: { uncommittedChanges: true } }),
      },
      metadata: {
        buildStartedOn: new Date(subject.startedAt).toISOString(),
        buildFinishedOn: new Date(subject.finishedAt).toISOString(),
        completeness: { parameters: true, environment: isClean, materials: isClean },
        reproducible: isClean,
      },
      materials: [source],
    },
  };
  requireReadable(statement);
  return Buffer.from(JSON.stringify(statement));
}

function sourceUri(git: GitSource, build: BuildEnvironment | undefined): string {
  const repository = repositoryUrl(build?.repository ?? git.remote ?? "");
  if (repository === undefined) {
    // The remote is not quoted: it may hold a password.
    fail("the repository's public address", "give the clone a remote `origin` with an https or ssh address whose host has a dot");
  }
  const ref = build?.ref ?? git.ref ?? fail("the ref", "check out a branch or a tag");
  return `git+${repository}@${ref}`;
}

/** What no verifier reads must not be signed: a signature in a log is for ever. */
function requireReadable({
  _type: type,
  subject,
  predicateType,
  predicate,
}: {
  _type: string;
  subject: readonly { name: string; digest: Record<string, string> }[];
  predicateType: string;
  predicate: object;
}): void {
  const read = readPredicate({ type, subjects: subject, predicateType, predicate: JSON.parse(JSON.stringify(predicate)) });
  if (!read.ok) throw new AssayError("BAD_REQUEST", `the provenance cannot be stated: ${read.finding.detail}`);
}

function fail(what: string, help: string): never {
  throw new AssayError("BAD_REQUEST", `the provenance cannot be stated: ${what} is not known`, { help });
}
