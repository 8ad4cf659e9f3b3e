import type { Random } from "../support/random.ts";
import type { Way } from "./mutation.ts";

/** The document as another text, which some readers take for the same one. */
export function changeText(text: string, random: Random): readonly [label: string, bytes: Buffer] {
  const members = [...text.matchAll(/"([A-Za-z]+)":("[^"\\]*"|\{|\[|[0-9]+)/g)];
  const member = members[random.below(members.length)];
  const [whole = "", name = "", value = ""] = member ?? [];
  const at = member?.index ?? 0;
  const insert = (more: string): string => `${text.slice(0, at)}${more}${text.slice(at)}`;
  const scalar = value === "{" ? "{}" : value === "[" ? "[]" : value;
  const [label, changed] = random.pick<Way<string>>([
    [`${name} twice, the other empty and first`, insert(`"${name}":null,`)],
    [`${name} twice, the other alike`, insert(`"${name}":${scalar},`)],
    [`${name} twice, the other in capitals`, insert(`"${name.toUpperCase()}":null,`)],
    [`${name} twice, the other escaped`, insert(`"\\u${name.charCodeAt(0).toString(16).padStart(4, "0")}${name.slice(1)}":null,`)],
    [
      `${name} written with an escape`,
      text.replace(whole, whole.replace(name, `\\u${name.charCodeAt(0).toString(16).padStart(4, "0")}${name.slice(1)}`)),
    ],
    ["a byte order mark", `\ufeff${text}`],
    ["white space around", ` \n${text}\t\n`],
    ["white space inside", JSON.stringify(JSON.parse(text), null, 2)],
    ["a comment", insert("/* */")],
    ["a final comma", text.replace(/\}$/, ",}")],
    ["something after the end", `${text}x`],
    ["the document twice", `${text}${text}`],
    ["a NUL at the end", `${text}\0`],
    ["NaN as a member", text.replace("{", '{"extra":NaN,')],
    ["half of it", text.slice(0, text.length >> 1)],
    ["a list around", `[${text}]`],
    ["single quotes", text.replaceAll('"', "'")],
    ["a number with an exponent", text.replace(/"(logIndex|treeSize)":"?([0-9]+)"?/, '"$1":$2e0')],
    ["a lone surrogate", text.replace("{", '{"extra":"\\ud800",')],
  ]);
  return [`as text: ${label}`, Buffer.from(changed)];
}
