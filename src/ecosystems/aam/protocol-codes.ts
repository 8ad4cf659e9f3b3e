/**
 * The closed list of section 12.6, and those that it lacks: BAD_REQUEST, CHECKSUM_MISMATCH, INVALID_ARCHIVE, NOT_ACCEPTABLE and PAYLOAD_TOO_LARGE. `flat` is the same in the AAM dialect, with its status
 * where that differs; where the dialect has no word either, it is this one in small letters.
 */
export const PROTOCOL_CODES = {
  BAD_REQUEST: {
    status: 400,
    flat: "bad_request",
    meaning: "The request makes no sense as it stands; the message says what was expected.",
  },
  UNAUTHORIZED: { status: 401, flat: "unauthorized", meaning: "The request needs a token, and has none that is valid." },
  FORBIDDEN: {
    status: 403,
    flat: "forbidden",
    meaning:
      "The archive is refused by policy, or the request is one that nobody, or not this token, may make here. `reason` says which; `why` leads to the evidence.",
  },
  SIGNATURE_INVALID: {
    status: 403,
    flat: "signature_invalid",
    flatStatus: 400,
    meaning:
      "A signature or attestation does not verify, is about other bytes, or is by nobody whom the policy trusts. `reason` says which.",
  },
  PACKAGE_NOT_FOUND: {
    status: 404,
    flat: "package_not_found",
    meaning: "No registry behind this one has a package of that name, or nothing is served at that path.",
  },
  VERSION_NOT_FOUND: { status: 404, flat: "version_not_found", meaning: "The package exists and has no such version." },
  TAG_NOT_FOUND: { status: 404, flat: "tag_not_found", meaning: "The package exists and has no such dist-tag." },
  NOT_ACCEPTABLE: { status: 406, flat: "not_acceptable", meaning: "The Accept header allows none of the media types of the protocol." },
  VERSION_CONFLICT: { status: 409, flat: "version_exists", meaning: "The version exists with other bytes: versions never change." },
  PACKAGE_YANKED: {
    status: 410,
    flat: "package_yanked",
    meaning: "The version was yanked and is not available for new resolution. Its exact version can still be fetched by who has it locked.",
  },
  PAYLOAD_TOO_LARGE: { status: 413, flat: "payload_too_large", meaning: "The request's body is larger than this registry takes." },
  CHECKSUM_MISMATCH: {
    status: 400,
    flat: "checksum_mismatch",
    meaning: "The archive has other bytes than the request says: it was changed on its way.",
  },
  MANIFEST_INVALID: {
    status: 422,
    flat: "invalid_manifest",
    flatStatus: 400,
    meaning: "The package's manifest is not valid; the message says where.",
  },
  INVALID_ARCHIVE: {
    status: 422,
    flat: "invalid_archive",
    flatStatus: 400,
    meaning: "The archive is damaged, unsafe or too large to unpack. `reason` and the message say how.",
  },
  RATE_LIMITED: { status: 429, flat: "rate_limited", meaning: "Too many requests; Retry-After says when to ask again." },
  REGISTRY_UNAVAILABLE: {
    status: 503,
    flat: "registry_unavailable",
    meaning: "The registry behind this one cannot be asked, or gave no answer that can be relied on. Nothing was refused: ask again later.",
  },
} as const satisfies Record<string, { status: number; flat: string; flatStatus?: number; meaning: string }>;

export type ProtocolCode = keyof typeof PROTOCOL_CODES;

export function isProtocolCode(text: string | undefined): text is ProtocolCode {
  return text !== undefined && Object.hasOwn(PROTOCOL_CODES, text);
}
