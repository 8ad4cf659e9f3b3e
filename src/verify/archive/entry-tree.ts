import { quote } from "../../core/quote.ts";
import { ambiguous, pastLimit, unsafe } from "./finding.ts";

type Kind = "folder" | "file" | "link";

interface Node {
  kind: Kind;
  /** Identifies a file's content or a link's target; undefined where the container tolerates no duplicate at all. */
  content: string | undefined;
  children: Map<string, Node> | undefined;
}

/**
 * Every name that the archive would unpack to, to find two entries for one place.
 * Names that are equal after Unicode normalisation (NFC) are one place: they are one file on macOS. Names that differ only in case are two:
 * real packages hold them, and refusing those would break their users on Linux.
 */
export class EntryTree {
  readonly #root: Node = { kind: "folder", content: undefined, children: undefined };
  readonly #maxNodes: number;
  #nodes = 0;

  /** `maxNodes` bounds files and folders together: a few long names would otherwise make millions of folders. */
  constructor(maxNodes: number) {
    this.#maxNodes = maxNodes;
  }

  addFolder(segments: readonly string[]): void {
    this.#add(segments, "folder", undefined);
  }

  /**
   * A second file at one place is ambiguous: which one wins is the reader's choice. With `content`, an identical second one is not, since every
   * reader ends up with the same bytes; some old npm tarballs are like that.
   */
  addFile(segments: readonly string[], content?: string): void {
    this.#add(segments, "file", content);
  }

  /** The content that an earlier file was added with; undefined where there is no file. */
  contentOf(segments: readonly string[]): string | undefined {
    let node: Node | undefined = this.#root;
    for (const segment of segments) node = node?.children?.get(segment.normalize("NFC"));
    return node?.kind === "file" ? node.content : undefined;
  }

  /** The same holds for links, and their `target`. */
  addLink(segments: readonly string[], target?: string): void {
    this.#add(segments, "link", target);
  }

  #add(segments: readonly string[], kind: Kind, content: string | undefined): void {
    let node = this.#root;
    segments.forEach((segment, index) => {
      const last = index === segments.length - 1;
      node.children ??= new Map();
      const key = segment.normalize("NFC");
      const known = node.children.get(key);
      if (known) {
        if (last) checkSame(segments, known, kind, content);
        else checkFolder(segments, index, known);
        node = known;
        return;
      }
      if (++this.#nodes > this.#maxNodes) throw pastLimit(`it has more than ${this.#maxNodes} files and folders (limits.archive_entries)`);
      const made: Node = { kind: last ? kind : "folder", content: last ? content : undefined, children: undefined };
      node.children.set(key, made);
      node = made;
    });
  }
}

function checkFolder(segments: readonly string[], index: number, known: Node): void {
  const above = quote(segments.slice(0, index + 1).join("/"));
  const name = quote(segments.join("/"));
  if (known.kind === "link") throw unsafe(`entry ${name} lies behind the link ${above}`);
  if (known.kind === "file") throw ambiguous(`entry ${name} lies in ${above}, which is a file`);
}

function checkSame(segments: readonly string[], known: Node, kind: Kind, content: string | undefined): void {
  const name = quote(segments.join("/"));
  if (known.kind !== kind) {
    const behindLink = [known.kind, kind].includes("link") && [known.kind, kind].includes("folder");
    if (behindLink) throw unsafe(`entry ${name} is a link and a folder`);
    throw ambiguous(`entry ${name} is both a ${known.kind} and a ${kind}`);
  }
  if (kind === "folder") return;
  if (content === undefined || content !== known.content)
    throw ambiguous(`entry ${name} occurs twice${content === undefined ? "" : ", not the same"}`);
}
