import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { ManagedKey } from "../../src/verify/sigstore/managed-key.ts";

/** What every verifier is asked about one document. */
export interface OracleRequest {
  readonly id: number;
  readonly kind: "bundle" | "attestation" | "provenance";
  /** The document's bytes in base64. */
  readonly document: string;
  /** The Sigstore bundles that the document stands for, in base64; none where it cannot be taken apart. */
  readonly bundles: readonly string[];
  /** Path of the trust root. */
  readonly root: string;
  /** Those of the archive that are known. */
  readonly digests: Readonly<Partial<Record<"sha256" | "sha512", string>>>;
  /** What the archive is called. */
  readonly file: string;
  readonly keys: readonly ManagedKey[];
}

/** `inapplicable`: the tool knows no such documents, so its answer would say nothing. */
export interface OracleAnswer {
  readonly verdict: "accept" | "refuse" | "inapplicable";
  /** In the tool's own words. */
  readonly reason: string;
}

export type OracleName = "pypi-attestations" | "sigstore-go";

const TOOLS = fileURLToPath(new URL("../../.ci/tools/oracles", import.meta.url));
const PYTHON = process.env["ASSAY_ORACLE_PYTHON"] ?? join(TOOLS, "python/bin/python");
const SIGSTORE_GO = process.env["ASSAY_ORACLE_SIGSTORE_GO"] ?? join(TOOLS, "sigstore-go");

const COMMANDS: Readonly<Record<OracleName, readonly [string, ...string[]]>> = {
  "pypi-attestations": [PYTHON, fileURLToPath(new URL("pypi_attestations_oracle.py", import.meta.url))],
  "sigstore-go": [SIGSTORE_GO],
};

/** The verifiers of other people that are installed here; says aloud which are not. */
export function findOracles(): readonly OracleName[] {
  return (Object.keys(COMMANDS) as OracleName[]).filter((name) => {
    const [program] = COMMANDS[name];
    if (existsSync(program)) return true;
    console.warn(`skipped: ${name} is not at ${program}; install it with test/differential/install-oracles.sh`);
    return false;
  });
}

/** One process of another verifier, for any number of questions. Close it when done. */
export class Oracle {
  readonly name: OracleName;
  readonly #process: ChildProcessWithoutNullStreams;
  readonly #waiting = new Map<number, { readonly settle: (answer: OracleAnswer) => void; readonly fail: (error: Error) => void }>();
  #complaints = "";

  constructor(name: OracleName) {
    this.name = name;
    const [program, ...args] = COMMANDS[name];
    this.#process = spawn(program, args, { stdio: "pipe" });
    createInterface({ input: this.#process.stdout }).on("line", (line) => {
      const { id, ...answer } = JSON.parse(line) as OracleAnswer & { readonly id: number };
      this.#waiting.get(id)?.settle(answer);
      this.#waiting.delete(id);
    });
    this.#process.stderr.on("data", (chunk: Buffer) => {
      this.#complaints = `${this.#complaints}${chunk.toString()}`.slice(-2000);
    });
    // A write to a process that is gone shows as its exit.
    this.#process.stdin.on("error", () => {});
    this.#process.on("error", (error) => this.#fail(error));
    this.#process.on("exit", (code) => this.#fail(new Error(`${name} ended with ${code}: ${this.#complaints}`)));
  }

  /** Rejects where the process ends before it has answered. */
  ask(request: OracleRequest): Promise<OracleAnswer> {
    return new Promise((settle, fail) => {
      this.#waiting.set(request.id, { settle, fail });
      this.#process.stdin.write(`${JSON.stringify(request)}\n`);
    });
  }

  close(): void {
    this.#process.stdin.end();
  }

  #fail(error: Error): void {
    for (const { fail } of this.#waiting.values()) fail(error);
    this.#waiting.clear();
  }
}
