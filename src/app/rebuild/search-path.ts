import { delimiter } from "node:path";

/** Where tools are looked for where there is no PATH. */
export const DEFAULT_PATH = ["/usr/local/bin", "/usr/bin", "/bin"].join(delimiter);
