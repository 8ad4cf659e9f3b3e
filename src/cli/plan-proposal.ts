import { shown } from "../core/printable.ts";
import { formatPurl } from "../core/purl.ts";
import type { Proposal } from "../policy/propose/propose.ts";
import { table } from "./table.ts";
import { writeOutput } from "./write-output.ts";

export interface WriteFlags {
  /** Where the policy goes; standard output where left out. */
  readonly file: string | undefined;
  /** Whether a file that is there is replaced. */
  readonly force: boolean;
  /** Who answers for the waivers. */
  readonly owner: string;
}

/** A proposed policy as `--json` prints it. Every key is always there. */
export interface ProposalReport {
  readonly file: string | null;
  readonly text: string;
  readonly added: Proposal["added"];
  /** What it would still refuse. */
  readonly remaining: readonly { readonly purl: string; readonly reasons: readonly { readonly code: string; readonly text: string }[] }[];
  /** Which other bytes it would let in by the name of an archive. */
  readonly open: readonly { readonly purl: string; readonly lets: string }[];
  readonly warnings: readonly { readonly code: string; readonly at: string; readonly text: string }[];
}

/** Writes the policy where it is to go. Throws CONFLICT for a file that is there already, STORE_IO. */
export async function writeProposal(
  { text, added, remaining, open, warnings }: Proposal,
  { file, force }: WriteFlags,
): Promise<ProposalReport> {
  if (file !== undefined) await writeOutput(file, Buffer.from(text), force, "give another name, or replace it with --force");
  return {
    file: file ?? null,
    text,
    added,
    remaining: remaining.map(({ ref, reasons }) => ({
      purl: formatPurl(ref),
      reasons: reasons.map(({ code, text: why }) => ({ code, text: why })),
    })),
    open: open.map(({ ref, lets }) => ({ purl: formatPurl(ref), lets })),
    warnings: warnings.map(({ code, at, text: what }) => ({ code, at, text: what })),
  };
}

/** What was written, and what it does not do. */
export function proposalText({ file, added, remaining, open }: ProposalReport): string {
  const { signers, rules, waivers } = added;
  const lines = [
    "",
    `${file === null ? "the proposed policy" : shown(file)}: adds ${plural(signers, "signer")}, ${plural(rules, "rule")} and ${plural(waivers, "waiver")}, and enforces them`,
    ...section(
      "It would still refuse",
      remaining.map(({ purl, reasons }) => [shown(purl), shown(reasons.map(({ code, text }) => `${code}: ${text}`).join("; "))]),
    ),
    ...section(
      "It would let in other bytes in the place of",
      open.map(({ purl, lets }) => [shown(purl), `${lets}, by what the policy said before`]),
    ),
  ];
  return `${lines.join("\n")}\n`;
}

function section(heading: string, rows: readonly (readonly [string, string])[]): readonly string[] {
  return rows.length === 0 ? [] : ["", heading, ...table(rows.map(([name, text]) => [`  ${name}`, text]))];
}

function plural(count: number, one: string): string {
  return `${count} ${one}${count === 1 ? "" : "s"}`;
}
