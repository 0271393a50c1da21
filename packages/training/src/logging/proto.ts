/**
 * The few parts of protobuf's wire format (https://protobuf.dev/programming-guides/encoding/) that event files use. Messages
 * are small, so each is made whole and then put into the one around it.
 */
export function message(...fields: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const result = new Uint8Array(fields.reduce((sum, field) => sum + field.length, 0));
  let at = 0;
  for (const field of fields) {
    result.set(field, at);
    at += field.length;
  }
  return result;
}

/** A field whose type is not negative: int32, int64, enum. */
export function intField(field: number, value: number): Uint8Array {
  return Uint8Array.from([...varint(field << 3), ...varint(value)]);
}

export function floatField(field: number, value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setFloat32(0, value, true);
  return message(Uint8Array.from(varint((field << 3) | 5)), bytes);
}

export function doubleField(field: number, value: number): Uint8Array {
  return message(Uint8Array.from(varint((field << 3) | 1)), doubles([value]));
}

/** `repeated double`, packed. */
export function doublesField(field: number, values: readonly number[]): Uint8Array {
  return bytesField(field, doubles(values));
}

/** A submessage, bytes, or text. */
export function bytesField(field: number, value: Uint8Array | string): Uint8Array {
  const bytes = typeof value === 'string' ? new TextEncoder().encode(value) : value;
  return message(Uint8Array.from([...varint((field << 3) | 2), ...varint(bytes.length)]), bytes);
}

function doubles(values: readonly number[]): Uint8Array {
  const data = new DataView(new ArrayBuffer(values.length * 8));
  values.forEach((value, i) => {
    data.setFloat64(i * 8, value, true);
  });
  return new Uint8Array(data.buffer);
}

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128);
  return [...bytes, rest];
}
