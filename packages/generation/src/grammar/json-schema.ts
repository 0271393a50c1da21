import {
  choice,
  complement,
  type Expression,
  literal,
  oneOf,
  optional,
  type Range,
  repeat,
  rule,
  sequence,
} from './expression.ts';
import { parseRegex } from './regex.ts';

/** A JSON value. */
type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
type Schema = boolean | { readonly [keyword: string]: Json };

/** Say nothing about what is valid. */
const NOTES = [
  '$schema',
  '$id',
  '$comment',
  'title',
  'description',
  'default',
  'examples',
  'deprecated',
  '$defs',
  'definitions',
];
const BY_TYPE: Readonly<Record<string, readonly string[]>> = {
  object: ['properties', 'required', 'additionalProperties'],
  array: ['items', 'minItems', 'maxItems'],
  string: ['minLength', 'maxLength', 'pattern'],
  integer: [],
  number: [],
  boolean: [],
  null: [],
};
/** Control characters, " and \. */
const ESCAPED: Range[] = [[0, 0x1f], [0x22, 0x22], [0x5c, 0x5c]]; // biome-ignore format: a table
const CHAR = choice([oneOf(complement(ESCAPED)), parseRegex(String.raw`\\(["\\/bfnrt]|u[0-9a-fA-F]{4})`)]);
const SPACE = optional(literal(' '));
const COMMA = sequence([literal(','), SPACE]);

/**
 * A JSON schema as a grammar. Values come with at most one blank after a comma or colon, properties in the schema's order;
 * an object has no other properties than the schema's unless `additionalProperties` is a schema and it has none of its own.
 * Supported: type (one or several), enum, const, anyOf, $ref to #/$defs, and for objects properties, required,
 * additionalProperties; for arrays items, minItems, maxItems; for strings minLength, maxLength, pattern.
 * @throws RangeError for another keyword, with its place: it would be silently ignored otherwise.
 */
export function schemaRules(schema: Schema): Map<string, Expression> {
  const rules = new Map<string, Expression>();
  const references = new Map<string, string>();

  const value = (at: Schema, path: string): Expression => {
    if (at === true) return anyJson();
    const refuse = (what: string): never => {
      throw new RangeError(`JSON schema, ${path}: ${what}`);
    };
    if (typeof at !== 'object' || at === null || Array.isArray(at))
      return refuse(`expected a schema, got ${JSON.stringify(at)}`);
    const known = (...keywords: string[]): void => {
      for (const keyword of Object.keys(at))
        if (!keywords.includes(keyword) && !NOTES.includes(keyword))
          refuse(`the keyword '${keyword}' is not supported here`);
    };
    if ('$ref' in at) {
      known('$ref');
      return reference(String(at.$ref), path);
    }
    for (const key of ['anyOf', 'enum'] as const) {
      if (!(key in at)) continue;
      known(...(key === 'enum' ? ['enum', 'type'] : ['anyOf']));
      const list = at[key] as Json;
      if (!Array.isArray(list) || list.length === 0) return refuse(`${key} must be a list that is not empty`);
      return choice(
        list.map((item: Json, i) =>
          key === 'enum' ? literal(JSON.stringify(item)) : value(item as Schema, `${path}/${key}/${i}`),
        ),
      );
    }
    if ('const' in at) {
      known('const', 'type');
      return literal(JSON.stringify(at.const));
    }
    const types = [at.type ?? []].flat() as string[];
    for (const type of types) if (!Object.hasOwn(BY_TYPE, type)) refuse(`there is no type ${JSON.stringify(type)}`);
    known('type', ...types.flatMap((type) => BY_TYPE[type]!));
    return types.length === 0 ? anyJson() : choice(types.map((type) => typed(type, at, path)));
  };

  const typed = (type: string, at: Exclude<Schema, boolean>, path: string): Expression => {
    if (type === 'object') return object(at, path);
    if (type === 'array') return array(at, path);
    if (type === 'string') return string(at, path);
    if (type === 'integer') return parseRegex('-?(0|[1-9][0-9]{0,15})');
    if (type === 'number') return parseRegex(String.raw`-?(0|[1-9][0-9]{0,15})(\.[0-9]{1,16})?([eE][+-]?[0-9]{1,3})?`);
    return type === 'null' ? literal('null') : choice([literal('true'), literal('false')]);
  };

  const object = (at: Exclude<Schema, boolean>, path: string): Expression => {
    const properties = Object.entries((at.properties ?? {}) as Record<string, Schema>);
    const required = (at.required ?? []) as readonly string[];
    for (const name of required)
      if (!properties.some(([key]) => key === name))
        throw new RangeError(`JSON schema, ${path}: '${name}' is required, but not among the properties`);
    const more = at.additionalProperties as Schema | undefined;
    const open = more !== undefined && more !== false;
    if (open && properties.length > 0)
      throw new RangeError(
        `JSON schema, ${path}: 'additionalProperties' beside properties is not supported, except false`,
      );
    if (open) {
      const entry = sequence([string({}, path), literal(':'), SPACE, value(more, `${path}/additionalProperties`)]);
      return sequence([literal('{'), optional(sequence([entry, repeat(sequence([COMMA, entry]), 0)])), literal('}')]);
    }
    const entries = properties.map(([key, schemaOf]) => {
      const written = sequence([
        literal(`${JSON.stringify(key)}:`),
        SPACE,
        value(schemaOf, `${path}/properties/${key}`),
      ]);
      return { written, required: required.includes(key) };
    });
    // From the last property on: what may come from here, first in the object or after another.
    let first: Expression = sequence([]);
    let after: Expression = sequence([]);
    for (const { written, required: must } of entries.reverse()) {
      const rest = named(after);
      const here = sequence([written, rest]);
      first = must ? here : choice([here, first]);
      after = must ? sequence([COMMA, here]) : choice([sequence([COMMA, here]), rest]);
    }
    return sequence([literal('{'), first, literal('}')]);
  };

  const array = (at: Exclude<Schema, boolean>, path: string): Expression => {
    const [min, max] = bounds(at, 'minItems', 'maxItems', path);
    const item = named(value((at.items ?? true) as Schema, `${path}/items`));
    if (max === 0) return literal('[]');
    const items = sequence([item, repeat(sequence([COMMA, item]), Math.max(min - 1, 0), max - 1)]);
    return sequence([literal('['), min === 0 ? optional(items) : items, literal(']')]);
  };

  const string = (at: Exclude<Schema, boolean>, path: string): Expression => {
    if ('pattern' in at) {
      if ('minLength' in at || 'maxLength' in at)
        throw new RangeError(`JSON schema, ${path}: 'pattern' together with a length is not supported`);
      return sequence([literal('"'), anywhere(String(at.pattern)), literal('"')]);
    }
    return sequence([literal('"'), repeat(CHAR, ...bounds(at, 'minLength', 'maxLength', path)), literal('"')]);
  };

  const reference = (target: string, path: string): Expression => {
    const known = references.get(target);
    if (known) return rule(known);
    const [, group, name] = /^#\/(\$defs|definitions)\/([^/]+)$/.exec(target) ?? [];
    const root = typeof schema === 'object' ? schema : {};
    const definitions = (group === undefined ? undefined : root[group]) as Record<string, Schema> | undefined;
    const whole = target === '#';
    if (!whole && (name === undefined || !definitions || !Object.hasOwn(definitions, name)))
      throw new RangeError(`JSON schema, ${path}: there is no ${target}`);
    const made = `ref ${target}`;
    references.set(target, made);
    rules.set(made, value(whole ? schema : definitions![name!]!, target));
    return rule(made);
  };

  const named = (expression: Expression): Expression => {
    const name = `part ${rules.size}`;
    rules.set(name, expression);
    return rule(name);
  };

  const anyJson = (): Expression => {
    if (!rules.has('any')) {
      rules.set('any', literal('null')); // taken, while the rest refers to it
      const entry = sequence([string({}, ''), literal(':'), SPACE, rule('any')]);
      const list = (item: Expression): Expression => optional(sequence([item, repeat(sequence([COMMA, item]), 0)]));
      const scalars = ['string', 'number', 'boolean', 'null'].map((type) => typed(type, {}, ''));
      const nested = [
        sequence([literal('['), list(rule('any')), literal(']')]),
        sequence([literal('{'), list(entry), literal('}')]),
      ];
      rules.set('any', choice([...scalars, ...nested]));
    }
    return rule('any');
  };

  rules.set('root', sequence([])); // the first, whatever is referred to
  rules.set('root', value(schema, '#'));
  return rules;
}

/** A pattern holds somewhere in the string, unless ^ and $ bind it. */
function anywhere(pattern: string): Expression {
  const parts = [unquoted(parseRegex(pattern))];
  if (!pattern.startsWith('^')) parts.unshift(repeat(CHAR, 0));
  if (!/(?<!\\)\$$/.test(pattern)) parts.push(repeat(CHAR, 0));
  return sequence(parts);
}

/** Without the characters that JSON writes with a backslash. */
function unquoted(e: Expression): Expression {
  switch (e.type) {
    case 'class':
      return oneOf(complement([...complement(e.ranges), ...ESCAPED]));
    case 'repeat':
      return { ...e, part: unquoted(e.part) };
    case 'rule':
      return e;
    default:
      return { ...e, parts: e.parts.map(unquoted) };
  }
}

function bounds(at: Exclude<Schema, boolean>, low: string, high: string, path: string): [number, number] {
  const read = (keyword: string, otherwise: number): number => {
    const found = at[keyword] ?? otherwise;
    if (found !== otherwise && !(Number.isInteger(found) && (found as number) >= 0))
      throw new RangeError(
        `JSON schema, ${path}: '${keyword}' must be a whole number from 0, got ${JSON.stringify(found)}`,
      );
    return found as number;
  };
  const [min, max] = [read(low, 0), read(high, Number.POSITIVE_INFINITY)];
  if (min > max) throw new RangeError(`JSON schema, ${path}: ${low} ${min} is above ${high} ${max}`);
  return [min, max];
}
