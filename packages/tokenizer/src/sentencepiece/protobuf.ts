/** A file that is not what its format says; the message names the field. */
export class SentencePieceFormatError extends Error {
  override readonly name = 'SentencePieceFormatError';
}

/** How a value is written (https://protobuf.dev/programming-guides/encoding). */
const VARINT = 0;
const FIXED64 = 1;
const LENGTH_DELIMITED = 2;
const FIXED32 = 5;

/** One field of a message, read in place. */
export interface Field {
  readonly number: number;
  /** A varint, or the 32 bits of a fixed field. */
  varint(name: string): number;
  float(name: string): number;
  bytes(name: string): Uint8Array;
  text(name: string): string;
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * The fields of one protobuf message in the order of the file. The object given is the same each time.
 * @param what Names the message in errors.
 */
export function* fieldsOf(message: Uint8Array, what: string): Generator<Field> {
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
  let at = 0;
  let wire = 0;
  let value = 0;
  let from = 0;
  const fail = (text: string): never => {
    throw new SentencePieceFormatError(`${what}: ${text} at byte ${at}`);
  };
  const varint = (): number => {
    let result = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      if (at >= message.length) fail('the file ends inside a number');
      const byte = message[at++]!;
      // Ten bytes are a negative int32: its low 32 bits count.
      if (shift < 28) result |= (byte & 127) << shift;
      else if (shift === 28) result |= (byte & 15) << 28;
      if (byte < 128) return result;
    }
    return fail('a number of more than 10 bytes');
  };
  const expect = (wanted: number, name: string, kind: string): void => {
    if (wire !== wanted) fail(`the field ${name} must be ${kind}, not wire type ${wire}`);
  };
  const field = {
    number: 0,
    varint(name: string): number {
      expect(VARINT, name, 'a number');
      return value;
    },
    float(name: string): number {
      expect(FIXED32, name, 'a float');
      return view.getFloat32(from, true);
    },
    bytes(name: string): Uint8Array {
      expect(LENGTH_DELIMITED, name, 'a run of bytes');
      return message.subarray(from, at);
    },
    text(name: string): string {
      try {
        return decoder.decode(this.bytes(name));
      } catch (error) {
        if (error instanceof SentencePieceFormatError) throw error;
        return fail(`the field ${name} is not UTF-8`);
      }
    },
  };
  while (at < message.length) {
    const tag = varint();
    field.number = tag >>> 3;
    wire = tag & 7;
    if (field.number === 0) fail('a field without a number');
    if (wire === VARINT) value = varint();
    else {
      const size = wire === LENGTH_DELIMITED ? varint() : wire === FIXED32 ? 4 : wire === FIXED64 ? 8 : -1;
      if (wire !== LENGTH_DELIMITED && size < 0) fail(`the field ${field.number} has the unknown wire type ${wire}`);
      if (size < 0 || size > message.length - at) fail(`the field ${field.number} is longer than what is left`);
      from = at;
      at += size;
    }
    yield field;
  }
}
