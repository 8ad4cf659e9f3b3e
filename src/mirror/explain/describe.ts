import { rebuildIn } from "../../core/rebuild.ts";
import type { Signer, SigstoreSigner } from "../../core/signer.ts";
import { rebuildRows, resultText } from "./describe-rebuild.ts";
import type { ArtifactReport, BuildReport, CheckReport, EditReport, SuggestionReport } from "./report.ts";

/** A report in words, for a terminal or a page to lay out. Some of the words are foreign: whoever shows them escapes them. */
export interface Description {
  readonly title: string;
  readonly verdict: string;
  readonly sections: readonly DescribedSection[];
  readonly suggestions: readonly DescribedSuggestion[];
}

export interface DescribedSection {
  readonly heading: string;
  readonly rows: readonly Row[];
}
export type Row = readonly [label: string, text: string];

export interface DescribedSuggestion {
  readonly text: string;
  /** What the verdict would be with it. */
  readonly outcome: string;
  readonly edits: readonly { readonly where: string; readonly yaml: string }[];
}

/** What is foreign can be long: of each list this much is shown, and how much there is. */
const ITEMS_SHOWN = 10;

export function describe(report: ArtifactReport): Description {
  return {
    title: report.purl,
    verdict: verdictText(report),
    sections: [
      ...reasonSection(report),
      { heading: "Archive", rows: archiveRows(report) },
      { heading: "Policy", rows: policyRows(report) },
      {
        heading: "Checks",
        rows: report.checks.flatMap((check) => [checkRow(check), ...signatureRows(check), ...rebuildRowsOf(report, check)]),
      },
    ],
    suggestions: report.suggestions.map(describeSuggestion),
  };
}

/** Its provenance alone: each signature that holds, what is signed, and what the certificate confirms of it. */
export function describeProvenance(report: ArtifactReport): Description {
  const verified = report.checks.filter(({ signer }) => signer !== null);
  const failed = report.checks.filter(({ outcome, code }) => outcome === "unavailable" || (outcome === "invalid" && code !== null));
  return {
    title: report.purl,
    verdict: verdictText(report),
    sections: [
      ...reasonSection(report),
      {
        heading: "Provenance",
        rows: [
          ["digest", `sha256:${report.digest}`],
          ["level", levelText(report)],
          ...(verified.length === 0 ? [["signatures", "none that was verified"] as const] : []),
        ],
      },
      ...verified.map((check) => ({
        heading: check.label ?? check.verifier,
        rows: [...signatureRows(check), ...subjectRows(check), ...buildRows(check.build)],
      })),
      ...report.checks.flatMap((check) => {
        const rows = rebuildRowsOf(report, check);
        return rows.length === 0 ? [] : [{ heading: "Rebuild", rows: [["result", outcomeText(check)] as const, ...rows] }];
      }),
      ...(failed.length === 0 ? [] : [{ heading: "Not verified", rows: failed.map(checkRow) }]),
    ],
    suggestions: [],
  };
}

function verdictText({ verdict, held, removed, policy }: ArtifactReport): string {
  switch (verdict.kind) {
    case "admit": {
      const warned = verdict.warnings.length === 0 ? "" : ` with ${counted(verdict.warnings.length, "warning")}`;
      return `admitted${warned} by the policy of now, ${policy.file}${held ? "" : `; ${absenceText(removed)}`}`;
    }
    case "refuse":
      return `refused by the policy of now, ${policy.file}`;
    case "undecided":
      return `undecided: ${verdict.detail}`;
    default:
      return verdict satisfies never;
  }
}

function absenceText(removed: ArtifactReport["removed"]): string {
  if (removed === null) return "its bytes are not in the store";
  const why = { age: "as nobody used them", size: "to make room", damaged: "as they were damaged", missing: "by somebody else" }[
    removed.why
  ];
  return `its bytes were taken out of the store at ${moment(removed.at)}, ${why}, and must be the same when they are fetched again`;
}

function reasonSection({ verdict, decidedBy, unchangeable }: ArtifactReport): readonly DescribedSection[] {
  if (verdict.kind === "undecided") return [];
  const reasons = verdict.kind === "refuse" ? verdict.reasons : verdict.warnings;
  const rows = reasons.flatMap(({ code, text, rule, help }, position): Row[] => [
    [code, text],
    ["", `decided by ${ruleText(rule, decidedBy[position]?.at)}`],
    ["", help],
  ]);
  if (rows.length === 0) return [];
  const heading = verdict.kind === "refuse" ? "Why it is refused" : "Warnings";
  return [{ heading, rows: unchangeable === null ? rows : [...rows, ["", unchangeable]] }];
}

/** What a reason calls its rule, in words. */
function ruleText(rule: string, at: string | null | undefined): string {
  if (rule === "always") return "what no policy can change";
  if (rule === "built in") return "what holds where no policy says otherwise";
  if (rule === "unclaimed" || rule === "weak_checksum") return `${rule} of the repository's configuration`;
  return at ? `${rule} (${at})` : rule;
}

function archiveRows({ digest, otherBytes, sizeBytes, url, upstream, decidedAt, decidedThen, ...report }: ArtifactReport): readonly Row[] {
  return [
    ["repository", report.ref.repository],
    ["digest", `sha256:${digest}`],
    ...(otherBytes
      ? [["other bytes", `sha256:${otherBytes.digest} came from upstream at ${moment(otherBytes.seenAt)} and was refused`] as const]
      : []),
    ["size", `${sizeBytes} bytes`],
    ...some(report.claims).map((claim): Row => ["claimed", `${claim.algorithm}:${claim.hex} by ${claim.claimedBy}`]),
    ...more(report.claims, "claimed"),
    ["fetched", `${moment(decidedAt)} from ${url} (${upstream}), and ${decidedThen === "admit" ? "admitted" : "refused"} then`],
    ["published", report.publishedAt === null ? "nobody says when" : `${momentOf(report.publishedAt)}, as the index says`],
    ["first seen", report.firstSeenAt === null ? "not known" : momentOf(report.firstSeenAt)],
  ];
}

function policyRows({ rule, policy, ...report }: ArtifactReport): readonly Row[] {
  const pattern = rule.pattern === null ? "" : `, by its pattern ${rule.pattern}`;
  return [
    ["rule", `${ruleText(rule.label, rule.at)}${pattern}`],
    ...(policy.mode === "audit" ? [["mode", "audit: nothing is refused by policy, only recorded"] as const] : []),
    ["level", levelText(report)],
  ];
}

/** The level, what is asked for, and why it is not the next higher one, or how it is the highest. */
function levelText({ level: { reached, why, required } }: Pick<ArtifactReport, "level">): string {
  return `${reached}, where the policy asks for ${required}; ${reached === "L3" ? why : `not higher because ${why}`}`;
}

function checkRow(check: CheckReport): Row {
  const label = check.label === null ? "" : `${check.label}: `;
  return [check.verifier, `${label}${outcomeText(check)}`];
}

function outcomeText({ outcome, code, detail, predicateType, signedAt, claims, verifier }: CheckReport): string {
  switch (outcome) {
    case "pass": {
      if (verifier === "rebuild") return resultText(claims?.["result"]);
      const strength = verifier === "checksum" ? ` (${claims?.["strength"] === "strong" ? "strong" : "weak"})` : "";
      const what = predicateType === null ? "" : `, a statement of type ${predicateType}`;
      return `good${strength}${what}${signedAt === null ? "" : `, signed ${moment(signedAt)}`}`;
    }
    case "invalid":
      return `${code}: ${detail}`;
    case "absent":
      return detail ?? (verifier === "checksum" ? "nobody claims a digest" : "nothing published");
    case "unavailable":
      return `could not be checked: ${detail}`;
    default:
      return outcome satisfies never;
  }
}

function rebuildRowsOf({ digest }: ArtifactReport, { verifier, claims }: CheckReport): readonly Row[] {
  const rebuild = rebuildIn({ verifier, subject: digest, outcome: { kind: "pass", claims: claims ?? {} } });
  if (!rebuild) return [];
  return rebuildRows(rebuild, { differences: some(rebuild.differences), count: rebuild.differencesCount });
}

function signatureRows({ signer, standing, trustRoot }: CheckReport): readonly Row[] {
  if (!signer) return [];
  return [
    ...signerRows(signer),
    ...(trustRoot ? [["trust root", `${trustRoot.name} (sha256:${trustRoot.sha256})`] as const] : []),
    ...(standing ? [["standing", standingText(standing)] as const] : []),
  ];
}

function standingText(standing: NonNullable<CheckReport["standing"]>): string {
  switch (standing.kind) {
    case "named":
      return `named by the policy, as ${standing.as}`;
    case "unlisted":
      return "unlisted: the policy names nobody who must sign this package";
    case "untrusted":
      return "untrusted: not whom the policy names for this package, or of a kind that does not count";
    default:
      return standing satisfies never;
  }
}

/** Who signed, and what their certificate says of where and how. */
export function signerRows(signer: Signer): readonly Row[] {
  switch (signer.kind) {
    case "sigstore":
      return [["signed by", signer.identity.value], ["issuer", `${signer.issuer} (trust root ${signer.trust})`], ...sourceRows(signer)];
    case "openpgp":
      return [["signed by", `OpenPGP key ${signer.fingerprint}`]];
    case "key":
    case "registry":
    case "vsa":
      return [["signed by", `${signer.kind === "key" ? "key" : `${signer.kind} key`} ${signer.keyId}`]];
    default:
      return signer satisfies never;
  }
}

function sourceRows({ source, identity }: SigstoreSigner): readonly Row[] {
  const { repository, repositoryId, ownerId, commit, ref, buildConfig, runner, trigger, environment, invocation } = source;
  const ids = [repositoryId === undefined ? [] : `id ${repositoryId}`, ownerId === undefined ? [] : `owner id ${ownerId}`].flat();
  const rows: readonly (readonly [string, string | undefined])[] = [
    ["repository", repository === undefined ? undefined : `${repository}${ids.length === 0 ? "" : ` (${ids.join(", ")})`}`],
    ["commit", commit],
    ["ref", ref],
    ["workflow", buildConfig === identity.value ? undefined : buildConfig],
    ["trigger", trigger],
    ["runner", runner],
    ["environment", environment],
    ["run", invocation],
  ];
  return rows.flatMap(([label, text]) => (text === undefined ? [] : [[label, text] as const]));
}

function subjectRows({ predicateType, subjects, signedAt }: CheckReport): readonly Row[] {
  return [
    ...(predicateType === null ? [] : [["statement", predicateType] as const]),
    ...(signedAt === null ? [] : [["signed at", moment(signedAt)] as const]),
    ...some(subjects).map(({ name, digest }): Row => ["about", `${name} ${digestText(digest)}`]),
    ...more(subjects, "about"),
  ];
}

function buildRows(build: BuildReport | null): readonly Row[] {
  if (!build) return [];
  const { confirmed } = build;
  const certificate =
    confirmed &&
    Object.entries(confirmed)
      .map(([claim, how]) => `${claim} ${how}`)
      .join(", ");
  const rows: readonly (readonly [string, string | null])[] = [
    ["builder", build.builder],
    ["build type", build.buildType],
    ["built from", build.repository],
    ["at ref", build.ref],
    ["at commit", Object.keys(build.commit).length === 0 ? null : digestText(build.commit)],
    ["entry point", build.entryPoint],
    ["certificate", certificate],
  ];
  return [
    ...rows.flatMap(([label, text]) => (text === null ? [] : [[label, text] as const])),
    ...some(build.materials).map(({ uri, digest }): Row => ["material", `${uri ?? "without an address"} ${digestText(digest)}`]),
    ...more({ length: build.materialsCount }, "material"),
    ...build.warnings.map((warning): Row => ["note", warning]),
  ];
}

function describeSuggestion({ text, verdict, remaining, edits }: SuggestionReport): DescribedSuggestion {
  const outcome = verdict === "admit" ? "it is admitted then" : `it is still refused then: ${remaining.join(", ")}`;
  return { text, outcome, edits: edits.map((edit) => ({ where: placeText(edit), yaml: edit.yaml })) };
}

function placeText({ under, how, rule, at }: EditReport): string {
  switch (how) {
    case "add":
      return `under ${under}`;
    case "before":
      return `under ${under}, before ${rule} (${at})`;
    case "replace":
      return `under ${under}, in the place of ${rule} (${at})`;
    default:
      return how satisfies never;
  }
}

function digestText(digest: Readonly<Record<string, string>>): string {
  return Object.entries(digest)
    .slice(0, ITEMS_SHOWN)
    .map(([algorithm, hex]) => `${algorithm}:${hex}`)
    .join(" ");
}

function some<T>(items: readonly T[]): readonly T[] {
  return items.slice(0, ITEMS_SHOWN);
}

function more({ length }: { readonly length: number }, label: string): readonly Row[] {
  return length > ITEMS_SHOWN ? [[label, `and ${length - ITEMS_SHOWN} more`]] : [];
}

function counted(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? "" : "s"}`;
}

/** `2024-10-08 12:00:00 UTC`. */
function moment(iso: string): string {
  return `${iso.slice(0, 19).replace("T", " ")} UTC`;
}

/** A time that the index says may be none. */
function momentOf(time: number): string {
  return Math.abs(time) <= 8.64e15 ? moment(new Date(time).toISOString()) : "a time that is none";
}
