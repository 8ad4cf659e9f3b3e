import Negotiator from "negotiator";
import { AssayError } from "../../../core/errors.ts";

/** Plain JSON first: it is what `*` and a client without a preference get. */
const MEDIA_TYPES = ["application/json", "application/vnd.uaaps.v1+json"];

/** The media type of the answer. Section 12.6 wants 406 where a client takes neither. Throws NOT_ACCEPTABLE. */
export function negotiate(accept: string | undefined): string {
  const chosen = new Negotiator({ headers: accept === undefined ? {} : { accept } }).mediaType(MEDIA_TYPES);
  if (chosen) return chosen;
  throw new AssayError("NOT_ACCEPTABLE", `the Accept header allows none of ${MEDIA_TYPES.join(", ")}`);
}
