/** An index that a package client on this machine is configured with, as the client has it written. */
export interface ClientIndex {
  /** Where it was set, in words for the log: "PIP_INDEX_URL", "pip's own default". */
  readonly source: string;
  /** May hold credentials, so it is never printed as it is. Empty where the client does not tell it. */
  readonly address: string;
  /** Path of a PEM file that the client trusts besides the usual certificates. */
  readonly caPath?: string | undefined;
  readonly proxy?: string | undefined;
  /** Hosts that the client reaches without its proxy, separated by commas. */
  readonly noProxy?: string | undefined;
}
