/**
 * The target of the `rel="next"` link in a Link header; undefined where there is none. https://www.rfc-editor.org/rfc/rfc8288#section-3
 * Angle brackets and quotes are followed one character at a time, so a comma inside either is no separator.
 */
export function nextLink(header: string): string | undefined {
  let rest = header;
  for (;;) {
    const open = rest.indexOf("<");
    const close = rest.indexOf(">", open);
    if (open < 0 || close < 0) return undefined;
    const end = endOfParameters(rest, close + 1);
    if (isNext(rest.slice(close + 1, end))) return rest.slice(open + 1, close);
    rest = rest.slice(end);
  }
}

/** The position of the comma that ends a link's parameters, or the end of the header. */
function endOfParameters(text: string, start: number): number {
  let quoted = false;
  for (let i = start; i < text.length; i++) {
    if (text[i] === '"') quoted = !quoted;
    else if (text[i] === "," && !quoted) return i;
  }
  return text.length;
}

/** `rel` may name several relations, in any case. */
function isNext(parameters: string): boolean {
  return parameters.split(";").some((parameter) => {
    const [name = "", value = ""] = parameter.split("=", 2);
    const relations = value.trim().replaceAll('"', "").toLowerCase().split(" ");
    return name.trim().toLowerCase() === "rel" && relations.includes("next");
  });
}
