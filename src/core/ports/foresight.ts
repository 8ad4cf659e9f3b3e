import type { Checksum } from "../digest.ts";
import type { Admission } from "../verdict.ts";
import type { Repository } from "./ecosystem.ts";
import type { Upstream } from "./upstream-client.ts";

/** An archive as its package's page lists it. */
export interface ListedArchive {
  readonly version: string;
  /** Unique within the package. */
  readonly file: string;
  readonly claims: readonly Checksum[];
  /** As the index says. Milliseconds since the epoch. */
  readonly publishedAt?: number;
  /** The dist-tags that the version carries; left out where that is not known. */
  readonly tags?: readonly string[];
  /** Upstream itself took it back, so that no range leads to it. */
  readonly withdrawn?: boolean;
}

/** What a page of one package is made from. */
export interface ListedPackage {
  readonly name: string;
  /** Whose listing it is; undefined where no upstream has the package, and all that is listed was admitted before. */
  readonly upstream: Upstream | undefined;
  readonly archives: readonly ListedArchive[];
  /** What `Index.admitted` answers for it. */
  readonly admitted: readonly Admission[];
}

/** Longest reason in a mark. A deprecation message of the AAM protocol may not be longer. */
export const MARK_CHARACTERS = 280;

export interface Marks {
  /** Why archives would be refused, by file: one line of printable ASCII of at most MARK_CHARACTERS. */
  readonly reasons: ReadonlyMap<string, string>;
  /**
   * Offline, archives that are not held of versions of which others are. A page leaves them out: whoever pins the version chooses among its files by other things than a
   * mark, and there is no reason for a refusal to be met.
   */
  readonly unobtainable: ReadonlySet<string>;
  /** Before this moment, time alone changes nothing about them. Milliseconds since the epoch; Infinity where it never does. */
  readonly until: number;
}

/** Tells what would be refused before anybody asks for it. Only for pages: a mark is no verdict, and the archive itself can always be asked for. */
export interface Foresight {
  /** Asks no upstream. Throws what `Index` throws. */
  marks(repository: Repository, listed: ListedPackage): Promise<Marks>;
  /**
   * For lists of packages, where names and versions are all that is known: which archives are refused for these alone, whatever else there is to say of them, with the reason,
   * by file. Asks nobody.
   */
  barred(
    repository: Repository,
    listed: Pick<ListedPackage, "name" | "archives"> & { readonly upstream: Upstream },
  ): ReadonlyMap<string, string>;
}
