type Json = Readonly<Record<string, unknown>>;

/** Reads fields of a config.json by name; what is wrong is told with the field, its value and what was expected. */
export class ConfigFields {
  readonly #json: Json;

  /** @throws TypeError where it is no object. */
  constructor(json: unknown) {
    if (typeof json !== 'object' || json === null || Array.isArray(json)) throw new TypeError('is no JSON object');
    this.#json = json as Json;
  }

  /** A whole number from 1; absent or null: the default. @throws TypeError */
  size(field: string, missing?: number): number {
    return this.#read(field, missing, 'a whole number from 1', (x) => Number.isSafeInteger(x) && (x as number) > 0);
  }

  /** A number above 0; absent or null: the default. @throws TypeError */
  positive(field: string, missing?: number): number {
    return this.#read(field, missing, 'a number above 0', (x) => Number.isFinite(x) && (x as number) > 0);
  }

  /** @throws TypeError */
  flag(field: string, missing: boolean): boolean {
    return this.#read(field, missing, 'true or false', (x) => typeof x === 'boolean');
  }

  /** Refuses a model that computes otherwise than this one; absent or null is fine. @throws TypeError */
  expect(field: string, ...known: readonly unknown[]): void {
    this.#read(field, known[0], known.map((x) => JSON.stringify(x)).join(' or '), (x) => known.includes(x));
  }

  /** A nested object; absent or null: undefined. @throws TypeError */
  object(field: string): ConfigFields | undefined {
    const value = this.#json[field] ?? undefined;
    if (value === undefined) return undefined;
    try {
      return new ConfigFields(value);
    } catch {
      throw new TypeError(`${field} must be an object, got ${JSON.stringify(value)}`);
    }
  }

  /** A text; absent or null: the default. @throws TypeError */
  text(field: string, missing?: string): string {
    return this.#read(field, missing, 'a string', (x) => typeof x === 'string');
  }

  #read<T>(field: string, missing: T | undefined, expected: string, ok: (x: unknown) => boolean): T {
    const value = this.#json[field] ?? missing;
    if (value === undefined) throw new TypeError(`${field} is missing, expected ${expected}`);
    if (!ok(value)) throw new TypeError(`${field} must be ${expected}, got ${JSON.stringify(value)}`);
    return value as T;
  }
}
