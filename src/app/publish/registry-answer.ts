import { AssayError, type ErrorCode } from "../../core/errors.ts";
import { isJsonObject, type JsonObject, parseJsonObject } from "../../core/json.ts";
import { quote } from "../../core/quote.ts";
import type { UploadAnswer } from "../../upstream/upload.ts";

const MAX_DEPTH = 32;
const SHOWN_DETAILS = 10;

const CODES: Readonly<Record<number, ErrorCode>> = {
  400: "BAD_REQUEST",
  401: "UNAUTHORIZED",
  403: "FORBIDDEN",
  404: "NOT_FOUND",
  405: "METHOD_NOT_ALLOWED",
  409: "CONFLICT",
  413: "PAYLOAD_TOO_LARGE",
  422: "UNPROCESSABLE",
  429: "UPSTREAM_RATE_LIMITED",
};
const HELP: Readonly<Record<number, string>> = {
  401: "give a token of the registry with --token-env or --token-file",
  404: "is the address that of the registry itself, such as https://HOST/NAME/ or https://HOST/NAME/api/v1/?",
  409: "a version that was published stays as it is: give this one a new version",
};

/** The JSON of an answer; empty for one that is none. */
export function answeredJson({ body }: UploadAnswer): JsonObject {
  try {
    return parseJsonObject(body, { maxDepth: MAX_DEPTH, source: "the registry's answer" });
  } catch (error) {
    if (error instanceof AssayError) return {};
    throw error;
  }
}

/** A registry's refusal of an upload, in the words of either dialect: `{error: {code, message}}`, or `{error, message, details}`. What it says is escaped. */
export function registryFailure(answer: UploadAnswer): AssayError {
  const { status } = answer;
  const json = answeredJson(answer);
  const { error } = json;
  const { code, message, details } = isJsonObject(error) ? error : { code: error, message: json["message"], details: json["details"] };
  const said = [code, message].filter((each): each is string => typeof each === "string" && each !== "").map(quote);
  const fields = Array.isArray(details) ? details.filter(isJsonObject).slice(0, SHOWN_DETAILS) : [];
  const named = fields.map(({ field, error: wrong }) => `\n  ${quote(String(field))}: ${quote(String(wrong))}`);
  const help = HELP[status];
  return new AssayError(
    CODES[status] ?? "UPSTREAM_STATUS",
    `the registry answers ${status}: ${said.join(" ") || "no reason"}${named.join("")}`,
    {
      upstreamStatus: status,
      ...(help === undefined ? {} : { help }),
    },
  );
}
