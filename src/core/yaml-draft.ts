import { type Document, isMap, isScalar, isSeq, type Node, parseDocument, Scalar, visit, type YAMLMap, type YAMLSeq } from "yaml";
import type { JsonValue } from "./json.ts";

/** A value to write, and what is to stand above it, one line each. Comments may hold foreign text only once it is printable and on one line. */
export interface YamlEntry {
  readonly value: JsonValue;
  readonly comments: readonly string[];
  /** For the texts of the value's own list at `key`: what is to stand behind each. */
  readonly behind?: { readonly key: string; readonly comments: readonly string[] };
}

/** YAML that somebody wrote, with entries added to it: what stood there stays as it is, comments and order included. The text must be valid YAML with a map at its top. */
export class YamlDraft {
  readonly #document: Document;

  constructor(text: string) {
    this.#document = parseDocument(text);
    // An alias would lead nowhere once the entry that it refers to has moved or is gone.
    visit(this.#document, { Alias: (_, alias) => alias.resolve(this.#document)?.clone() as Node | undefined });
    visit(this.#document, { Value: (_, node) => void delete node.anchor });
    this.#top().flow = false;
  }

  /** Leaves only these keys at the top. */
  keepOnly(keys: readonly string[]): void {
    const top = this.#top();
    top.items = top.items.filter(({ key }) => isScalar(key) && keys.includes(String(key.value)));
  }

  /** At the top, in its place or as the first key. */
  set(key: string, value: JsonValue): void {
    const top = this.#top();
    if (top.has(key)) top.set(key, value);
    else top.items.unshift(this.#document.createPair(key, value) as (typeof top.items)[number]);
  }

  /** A new key of the map at `key`. */
  addToMap(key: string, name: string, entry: YamlEntry): void {
    const map = this.#collection(key, isMap, {}) as YAMLMap;
    const written = new Scalar(name);
    written.commentBefore = commentOf(entry.comments);
    map.set(written, this.#node(entry));
  }

  /** A new item of the list at `key`, before the item at `position` as the list is now, or at its end. */
  addToList(key: string, entry: YamlEntry, position?: number): void {
    const list = this.#collection(key, isSeq, []) as YAMLSeq;
    const node = this.#node(entry);
    node.commentBefore = commentOf(entry.comments);
    list.items.splice(position ?? list.items.length, 0, node);
  }

  removeFromList(key: string, position: number): void {
    (this.#collection(key, isSeq, []) as YAMLSeq).items.splice(position, 1);
  }

  /** Above everything. */
  addHeading(lines: readonly string[]): void {
    const before = this.#document.commentBefore;
    this.#document.commentBefore = [commentOf(lines), ...(before ? [before] : [])].join("\n\n");
  }

  toString(): string {
    return this.#document.toString({ lineWidth: 0, flowCollectionPadding: false });
  }

  #top(): YAMLMap {
    const { contents } = this.#document;
    if (!isMap(contents)) throw new Error("a draft begins with a map");
    return contents as YAMLMap;
  }

  /** The collection at a key of the top, in block style, so that there is room for comments; made where there is nothing. */
  #collection(key: string, isKind: (node: unknown) => boolean, empty: JsonValue): YAMLMap | YAMLSeq {
    const found: unknown = this.#top().get(key, true);
    const node = (isKind(found) ? found : this.#document.createNode(empty)) as YAMLMap | YAMLSeq;
    if (node !== found) this.#top().set(key, node);
    node.flow = false;
    return node;
  }

  /** Block style for the entry itself and what has comments in it, flow style for what is inside. */
  #node({ value, behind }: YamlEntry): YAMLMap | YAMLSeq | Scalar {
    const node = this.#document.createNode(value) as YAMLMap | YAMLSeq | Scalar;
    if (!isMap(node)) return node;
    for (const { key, value: inner } of node.items) {
      const isCommented = behind !== undefined && isScalar(key) && key.value === behind.key;
      if ((isMap(inner) || isSeq(inner)) && !isCommented) inner.flow = true;
      if (!isCommented || !isSeq(inner)) continue;
      for (const [position, item] of inner.items.entries()) {
        const comment = behind.comments[position];
        if (isScalar(item) && comment !== undefined) item.comment = ` ${comment}`;
      }
    }
    return node;
  }
}

/** Each line begins with a space, which sets it off from its sign. */
function commentOf(lines: readonly string[]): string {
  return lines.map((line) => ` ${line}`).join("\n");
}
