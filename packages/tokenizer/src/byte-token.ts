/** How vocabularies that come from SentencePiece write a byte: `<0x0A>`. */
export function byteToken(byte: number): string {
  return `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`;
}

/** The byte that a token writes so; undefined for other tokens. */
export function byteOfToken(token: string): number | undefined {
  const hex = /^<0x([\dA-F]{2})>$/.exec(token)?.[1];
  return hex === undefined ? undefined : Number.parseInt(hex, 16);
}
