/** The two headers of METADATA or PKG-INFO that say what an archive is. */
interface CoreMetadata {
  readonly name: string;
  readonly version: string;
}

/** Longer values are nobody's name or version. */
const MAX_VALUE_CHARACTERS = 255;

/**
 * Reads Name and Version from a core metadata file: headers up to the first empty line, in the way of e-mail.
 * Answers a string, what is wrong with it, where one is missing, empty, continued over lines, absurdly long or given twice:
 * readers differ in which of two they take, so two are none.
 * https://packaging.python.org/en/latest/specifications/core-metadata/
 */
export function readCoreMetadata(body: Buffer): CoreMetadata | string {
  const values = new Map<string, string>();
  let last: string | undefined;
  for (const line of headerLines(body.toString("utf8"))) {
    if (line.startsWith(" ") || line.startsWith("\t")) {
      if (last !== undefined && line.trim() !== "") return `the ${last} header goes on over several lines`;
      continue;
    }
    last = headerOfInterest(line);
    if (last === undefined) continue;
    if (values.has(last)) return `the ${last} header is given twice`;
    values.set(last, line.slice(line.indexOf(":") + 1).trim());
  }
  const [name, version] = [values.get("name"), values.get("version")];
  if (!name || name.length > MAX_VALUE_CHARACTERS) return "it has no usable Name header";
  if (!version || version.length > MAX_VALUE_CHARACTERS) return "it has no usable Version header";
  return { name, version };
}

function headerOfInterest(line: string): "name" | "version" | undefined {
  const key = line
    .slice(0, Math.max(line.indexOf(":"), 0))
    .trimEnd()
    .toLowerCase();
  return key === "name" || key === "version" ? key : undefined;
}

/** Lines before the first empty one. A carriage return alone ends a line too: Python's parser takes it so, and a header must not hide behind one. */
function* headerLines(text: string): Generator<string> {
  const end = /\r\n|\r|\n/g;
  for (let start = 0; start < text.length; start = end.lastIndex) {
    end.lastIndex = start;
    const found = end.exec(text);
    const line = text.slice(start, found?.index ?? text.length);
    if (line === "") return;
    yield line;
    if (!found) return;
  }
}
