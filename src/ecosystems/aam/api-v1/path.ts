/** Whether a path below the mount, as the client sent it, is one of this dialect. Errors of any path must have a shape, also of one that cannot be decoded. */
export function isApiV1Path(path: string): boolean {
  const [, first = "", second = ""] = path.split("/", 3);
  return isWord(first, "api") && isWord(second, "v1");
}

function isWord(segment: string, word: string): boolean {
  try {
    return decodeURIComponent(segment) === word;
  } catch {
    return false;
  }
}
