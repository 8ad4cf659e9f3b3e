import type { ArtifactReport } from "../mirror/explain/report.ts";
import { EXIT_DONE, EXIT_REFUSED, exitCode } from "./exit.ts";

export interface Printing {
  readonly json: boolean;
  /** Writes a text to standard output. */
  readonly print: (text: string) => void;
}

/** Writes reports one after the other, so that any number of them can be written: for people, or as the list of one JSON object. */
export class ReportPrinter {
  readonly #printing: Printing;
  readonly #text: (report: ArtifactReport) => string;
  #printed = 0;

  constructor(printing: Printing, text: (report: ArtifactReport) => string) {
    this.#printing = printing;
    this.#text = text;
  }

  add(report: ArtifactReport): void {
    const { json, print } = this.#printing;
    if (json) print(`${this.#printed === 0 ? '{"artifacts":[' : ","}\n${JSON.stringify(report)}`);
    else print(this.#text(report));
    this.#printed++;
  }

  /** `members` are those of the JSON object beside `artifacts`; `text` is what people read at the end. */
  end(members: Readonly<Record<string, unknown>>, text: string): void {
    const { json, print } = this.#printing;
    const rest = Object.entries(members).map(([key, value]) => `,\n${JSON.stringify(key)}:${JSON.stringify(value)}`);
    print(json ? `${this.#printed === 0 ? '{"artifacts":[' : ""}\n]${rest.join("")}}\n` : text);
  }
}

/** 2 where it is refused; where nothing is decided, what evidence that cannot be had ends with. */
export function exitOf({ verdict }: Pick<ArtifactReport, "verdict">): number {
  switch (verdict.kind) {
    case "admit":
      return EXIT_DONE;
    case "refuse":
      return EXIT_REFUSED;
    case "undecided":
      return exitCode("UPSTREAM_EVIDENCE");
    default:
      return verdict satisfies never;
  }
}

/** Of several: a refusal says more than anything that could not be done. */
export function worseExit(left: number, right: number): number {
  if (left === EXIT_REFUSED || right === EXIT_REFUSED) return EXIT_REFUSED;
  return left === EXIT_DONE ? right : left;
}
