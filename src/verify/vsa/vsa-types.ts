/** https://slsa.dev/spec/v1.1/verification_summary */
export const VSA_PREDICATE_TYPE = "https://slsa.dev/verification_summary/v1";
export const STATEMENT_TYPE = "https://in-toto.io/Statement/v1";
