/**
 * Which bytes may stand side by side within a token. Where a character's last byte and the next one's first byte never do, no
 * token reaches over, so that what stands on both sides does not depend on each other.
 */
export class Junctions {
  /** By the byte before, times 256, plus the byte behind: 0 where a word ends between them. */
  readonly joined: Uint8Array = new Uint8Array(1 << 16);

  constructor() {
    // Bytes within a character are never parted.
    for (let before = 0; before < 256; before++) this.joined.fill(1, 256 * before + 0x80, 256 * before + 0xc0);
  }

  static of(tokens: Iterable<readonly [bytes: Uint8Array, id: number]>): Junctions {
    const junctions = new Junctions();
    for (const [bytes] of tokens) junctions.add(bytes);
    return junctions;
  }

  /** Ends words before this byte, whatever tokens there are. */
  cutBefore(byte: number): this {
    for (let before = 0; before < 256; before++) this.joined[(before << 8) | byte] = 0;
    return this;
  }

  /** Adds all places inside a token. */
  add(bytes: Uint8Array): void {
    for (let i = 1; i < bytes.length; i++) this.joined[(bytes[i - 1]! << 8) | bytes[i]!] = 1;
  }
}
