const NAMES: ReadonlySet<string> = new Set([
  ".env",
  ".netrc",
  ".npmrc",
  ".pypirc",
  ".git-credentials",
  ".htpasswd",
  "credentials",
  "credentials.json",
  "credentials.yaml",
  "credentials.csv",
  "id_rsa",
  "id_dsa",
  "id_ecdsa",
  "id_ed25519",
  "service-account.json",
]);
const ENDINGS = [".pem", ".key", ".p12", ".pfx", ".jks", ".keystore", ".kdbx"];
/** What people commit in the place of a real `.env`. */
const TEMPLATES = [".example", ".sample", ".template", ".dist"];

/** Whether a file's name is one that credentials are kept under. Section 12.1 asks for a warning. The content is not looked at. */
export function isLikelySecret(path: string): boolean {
  const name = path.slice(path.lastIndexOf("/") + 1).toLowerCase();
  if (TEMPLATES.some((ending) => name.endsWith(ending))) return false;
  return NAMES.has(name) || name.startsWith(".env.") || ENDINGS.some((ending) => name.endsWith(ending));
}
