import { type Handler, Parser } from "htmlparser2";
import { AssayError } from "../../core/errors.ts";

export type Attributes = Readonly<Record<string, string>>;

/** What a reader of HTML hears: tag and attribute names in lowercase, entities decoded. */
export interface HtmlHandler {
  opened?(tag: string, attributes: Attributes): void;
  closed?(tag: string): void;
  text?(text: string): void;
  comment?(text: string): void;
}

/**
 * An HTML parser for text from outside. Throws UPSTREAM_LIMIT for elements nested deeper than `maxDepth`: its work grows with the square of it.
 * `source` names the document in the message.
 */
export function htmlParser(handler: HtmlHandler, options: { maxDepth: number; source: string }): Pick<Parser, "write" | "end"> {
  let depth = 0;
  const callbacks: Partial<Handler> = {
    onopentag(tag, attributes) {
      depth++;
      if (depth > options.maxDepth)
        throw new AssayError("UPSTREAM_LIMIT", `${options.source} nests deeper than ${options.maxDepth} levels`);
      handler.opened?.(tag, attributes);
    },
    onclosetag(tag) {
      depth--;
      handler.closed?.(tag);
    },
    ontext: (text) => handler.text?.(text),
    oncomment: (text) => handler.comment?.(text),
  };
  return new Parser(callbacks);
}
