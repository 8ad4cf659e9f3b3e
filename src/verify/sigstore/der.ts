/** One element of a DER encoding. Tags are one byte: no X.509 structure that we read has a longer one. */
export interface DerElement {
  readonly tag: number;
  readonly content: Buffer;
  /** All of it, tag and length included. */
  readonly raw: Buffer;
}

export const TAG = {
  boolean: 0x01,
  bitString: 0x03,
  octetString: 0x04,
  objectIdentifier: 0x06,
  utf8String: 0x0c,
  sequence: 0x30,
  /** `[0]` and `[3] EXPLICIT`: version and extensions of a certificate. */
  version: 0xa0,
  extensions: 0xa3,
  /** General names, `[1]` and `[6] IMPLICIT IA5String`. */
  rfc822Name: 0x81,
  uniformResourceIdentifier: 0x86,
} as const;

/** The bytes are not DER, or not the structure that was looked for. */
export class DerError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "DerError";
  }
}

/**
 * The elements that `bytes` consists of, one after the other, to its very end. Does not look into them, so hostile nesting costs nothing.
 * Throws DerError for anything but definite lengths in their shortest form. X.690 section 10.1.
 */
export function readElements(bytes: Buffer): readonly DerElement[] {
  const elements: DerElement[] = [];
  let position = 0;
  while (position < bytes.length) {
    const tag = bytes[position] ?? 0;
    if ((tag & 0x1f) === 0x1f) throw new DerError("a tag is longer than one byte");
    const { length, start } = readLength(bytes, position + 1);
    if (start + length > bytes.length) throw new DerError("an element reaches past the end");
    const end = start + length;
    elements.push({ tag, content: bytes.subarray(start, end), raw: bytes.subarray(position, end) });
    position = end;
  }
  return elements;
}

/** The one element that `bytes` is, with the tag that it must have. */
export function readElement(bytes: Buffer, tag: number): DerElement {
  const [element, ...others] = readElements(bytes);
  if (element === undefined || others.length > 0) throw new DerError("there is not exactly one element");
  if (element.tag !== tag) throw new DerError("an element is not of the type that belongs there");
  return element;
}

/** The dotted form of an object identifier's content. X.690 section 8.19. */
export function formatObjectIdentifier(content: Buffer): string {
  const arcs: number[] = [];
  let arc = 0;
  for (const byte of content) {
    if (arc === 0 && byte === 0x80) throw new DerError("an object identifier is not in its shortest form");
    arc = arc * 128 + (byte & 0x7f);
    if (!Number.isSafeInteger(arc)) throw new DerError("an object identifier has an arc past 2^53");
    if (byte < 0x80) {
      arcs.push(arc);
      arc = 0;
    }
  }
  const [first] = arcs;
  if (first === undefined || (content.at(-1) ?? 0) >= 0x80) throw new DerError("an object identifier is cut off");
  const root = Math.min(Math.floor(first / 40), 2);
  return [root, first - root * 40, ...arcs.slice(1)].join(".");
}

function readLength(bytes: Buffer, position: number): { readonly length: number; readonly start: number } {
  const first = bytes[position];
  if (first === undefined) throw new DerError("an element has no length");
  if (first < 0x80) return { length: first, start: position + 1 };
  const size = first & 0x7f;
  if (size === 0 || size > 4 || position + size >= bytes.length) throw new DerError("a length is indefinite, too long or cut off");
  const length = bytes.readUIntBE(position + 1, size);
  if (length < 0x80 || length < 2 ** (8 * (size - 1))) throw new DerError("a length is not in its shortest form");
  return { length, start: position + 1 + size };
}
