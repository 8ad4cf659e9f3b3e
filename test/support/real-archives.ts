import { createHash } from "node:crypto";
import { type AssayProcess, startAssay } from "./assay-process.ts";
import { registriesReachable } from "./clients.ts";

/**
 * Real archives, known by their digests. They are fetched by an Assay of its own with nothing configured, which is to say from the registries that this
 * machine's clients use; nothing of them is kept when it closes. Where those registries do not answer, `open` says so and answers undefined.
 */
export class RealArchives {
  readonly #assay: AssayProcess;

  private constructor(assay: AssayProcess) {
    this.#assay = assay;
  }

  static async open(): Promise<RealArchives | undefined> {
    if (registriesReachable()) return new RealArchives(await startAssay());
    console.warn("skipped: the registries that pip and npm are configured with do not answer, so there are no real archives");
    return undefined;
  }

  /** Address of its Python index, for what builds real source distributions. */
  get simpleIndex(): string {
    return `${this.#assay.url}/pypi/simple/`;
  }

  /** A file of the Python index. Throws where it cannot be had or has another digest. */
  async distribution(project: string, file: string, sha256: string): Promise<Buffer> {
    return this.#fetch(`pypi/files/${project}/${file}`, "sha256", sha256);
  }

  /** A package of the npm registry. Throws where it cannot be had or has another digest. */
  async tarball(name: string, version: string, sha512: string): Promise<Buffer> {
    return this.#fetch(`npm/${name}/-/${name.slice(name.lastIndexOf("/") + 1)}-${version}.tgz`, "sha512", sha512);
  }

  async #fetch(path: string, algorithm: string, expected: string): Promise<Buffer> {
    const response = await fetch(`${this.#assay.url}/${path}`);
    const bytes = Buffer.from(await response.arrayBuffer());
    const actual = createHash(algorithm).update(bytes).digest("hex");
    if (actual === expected) return bytes;
    throw new Error(`${path}: expected status 200 with ${algorithm} ${expected}, got ${response.status} with ${actual}`);
  }

  close(): Promise<void> {
    return this.#assay.discard();
  }
}

/** Stands where real archives would be asked for; what needs one is skipped. */
export function noArchives(): never {
  throw new Error("there are no real archives here");
}
