import type { Constraint } from '../constraint.ts';
import { Automaton } from './automaton.ts';
import { parseGrammar } from './gbnf.ts';
import { schemaRules } from './json-schema.ts';
import { parseRegex } from './regex.ts';
import { automatonConstraint, type Vocabulary } from './vocabulary.ts';

/**
 * The whole text matches a regular expression in JavaScript's notation.
 * @throws SyntaxError for look-around, back references and other things that are not regular.
 */
export function regexConstraint(pattern: string | RegExp, vocabulary: Vocabulary): Constraint {
  if (pattern instanceof RegExp && /[^gvuy]/.test(pattern.flags))
    throw new SyntaxError(`regular expression ${pattern}: its flags are not supported, except g, u, v and y`);
  const source = pattern instanceof RegExp ? pattern.source : pattern;
  return automatonConstraint(new Automaton(new Map([['root', parseRegex(source)]]), 'root'), vocabulary);
}

/** The text is JSON by a schema; see README.md for the keywords. @throws RangeError naming a keyword that is not supported. */
export function jsonSchemaConstraint(schema: object | boolean, vocabulary: Vocabulary): Constraint {
  const rules = schemaRules(schema as Parameters<typeof schemaRules>[0]);
  return automatonConstraint(new Automaton(rules, 'root'), vocabulary);
}

/** The text is one of a context-free grammar's, written in GBNF with the rule `root`. @throws SyntaxError with the line. */
export function grammarConstraint(grammar: string, vocabulary: Vocabulary): Constraint {
  return automatonConstraint(new Automaton(parseGrammar(grammar), 'root'), vocabulary);
}
