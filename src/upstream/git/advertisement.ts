import { AssayError } from "../../core/errors.ts";
import { type ObjectId, parseObjectId, parseRefName, type RefName } from "../../core/git.ts";
import type { GitRefs } from "../../core/ports/git.ts";

const LENGTH_DIGITS = 4;
const NO_OBJECT = "0".repeat(40);
/** What a repository without refs advertises in place of one. */
const NO_REFS = "capabilities^{}";

/**
 * Reads what a smart server answers to `GET info/refs?service=git-upload-pack` in protocol version 0. https://git-scm.com/docs/gitprotocol-http, gitprotocol-pack.
 * Refs that are neither branches nor tags are left out. Throws UPSTREAM_MALFORMED, and UPSTREAM_LIMIT past `maxRefs`.
 */
export function readAdvertisement(body: Buffer, maxRefs: number): GitRefs {
  const lines = packetLines(body);
  if (lines.shift() !== "# service=git-upload-pack" || lines.shift() !== undefined)
    throw malformed("it is no answer of a smart git server");
  if (lines.pop() !== undefined) throw malformed("it does not end with a flush packet");
  const refs = new Map<RefName, ObjectId>();
  let head: RefName | undefined;
  for (const [index, line] of lines.entries()) {
    if (line === undefined) throw malformed("it has a flush packet between its refs");
    const [advertised = "", capabilities = ""] = line.split("\0", 2);
    if (index === 0) head = headOf(capabilities);
    const space = advertised.indexOf(" ");
    const [id, name] = [advertised.slice(0, space), advertised.slice(space + 1)];
    const object = parseObjectId(id);
    if (advertised.startsWith("shallow ")) throw malformed("the repository is shallow: its history is not all there");
    if (!object) throw malformed("it names something that is no SHA-1 of a git object");
    const ref = parseRefName(name);
    if (!ref || name === NO_REFS || object === NO_OBJECT) continue;
    refs.set(ref, object);
    if (refs.size > maxRefs) {
      throw new AssayError("UPSTREAM_LIMIT", `the repository has more than ${maxRefs} branches and tags`, {
        help: "the operator can raise limits.git_refs",
      });
    }
  }
  return { head: head !== undefined && refs.has(head) ? head : undefined, refs };
}

/** Each packet as text without its final line break; undefined for a flush packet. */
function packetLines(body: Buffer): (string | undefined)[] {
  const lines: (string | undefined)[] = [];
  for (let at = 0; at < body.length; ) {
    const digits = body.toString("latin1", at, at + LENGTH_DIGITS);
    const length = /^[0-9a-f]{4}$/i.test(digits) ? Number.parseInt(digits, 16) : -1;
    const isFlush = length === 0;
    if (!isFlush && (length < LENGTH_DIGITS || at + length > body.length)) throw malformed("a packet of it has a wrong length");
    lines.push(isFlush ? undefined : body.toString("utf8", at + LENGTH_DIGITS, at + length).replace(/\n$/, ""));
    at += isFlush ? LENGTH_DIGITS : length;
  }
  return lines;
}

function headOf(capabilities: string): RefName | undefined {
  const symref = capabilities.split(" ").find((capability) => capability.startsWith("symref=HEAD:"));
  return symref === undefined ? undefined : parseRefName(symref.slice("symref=HEAD:".length));
}

function malformed(why: string): AssayError {
  return new AssayError("UPSTREAM_MALFORMED", `the list of refs cannot be used: ${why}`);
}
