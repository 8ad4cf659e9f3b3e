/** A contradiction between a statement and the certificate that signed it. Never leaves this folder: `compareWithCertificate` makes a finding of it. */
export class Mismatch extends Error {}
