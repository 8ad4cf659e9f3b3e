/**
 * One way in which an archive is not what `assay pack` makes of the same content. `must`: the specification (section 12.1) asks for it. `form`: the specification leaves it
 * open, so the archive conforms, but who rebuilds it with `assay pack` gets other bytes.
 */
export interface Deviation {
  readonly weight: "must" | "form";
  readonly code: DeviationCode;
  /** The entry that it is about; absent for the archive as a whole. */
  readonly path?: string;
  readonly expected: string;
  readonly got: string;
}

type DeviationCode =
  /** The mirror would refuse the archive; what stands behind that place was not looked at. */
  | "unsound"
  | "size"
  | "manifest"
  /** The manifests refer to what is not packed. */
  | "reference"
  /** Section 12.1 never packs it. */
  | "excluded"
  /** The manifest's `files` do not select it. */
  | "unselected"
  | "order"
  | "time"
  | "owner"
  | "mode"
  | "folder"
  | "hard-link"
  /** A pax header or a GNU long name that is not needed, or says something else. */
  | "extended-header"
  /** The same fields, written in another way. */
  | "header-form"
  | "padding"
  | "end"
  | "gzip-time"
  | "gzip-header"
  | "compression";
