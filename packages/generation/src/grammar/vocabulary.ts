import type { Constraint, ConstraintState } from '../constraint.ts';
import type { Automaton, State } from './automaton.ts';

/** What every token spells, by id: text or bytes; null for tokens that are no text, which a constraint never allows. */
export type TokenTexts = readonly (string | Uint8Array | null)[];

interface TrieNode {
  readonly children: Map<number, TrieNode>;
  readonly tokens: number[];
}

/** The tokens as a tree of their bytes: what a state allows is found in one walk. Make it once for a tokenizer. */
export class Vocabulary {
  readonly size: number;
  readonly root: TrieNode = { children: new Map(), tokens: [] };
  readonly #bytes: readonly (Uint8Array | null)[];

  constructor(texts: TokenTexts) {
    this.size = texts.length;
    const encoder = new TextEncoder();
    this.#bytes = texts.map((text) => (typeof text === 'string' ? encoder.encode(text) : text));
    for (const [id, bytes] of this.#bytes.entries()) {
      if (!bytes || bytes.length === 0) continue; // a token without text would go on forever
      let node = this.root;
      for (const byte of bytes) {
        let child = node.children.get(byte);
        if (!child) {
          child = { children: new Map(), tokens: [] };
          node.children.set(byte, child);
        }
        node = child;
      }
      node.tokens.push(id);
    }
  }

  bytesOf(id: number): Uint8Array {
    const bytes = this.#bytes[id];
    if (!bytes) throw new RangeError(`token ${id} has no text`);
    return bytes;
  }
}

/** A constraint by an automaton. What a state allows is worked out once. */
export function automatonConstraint(automaton: Automaton, vocabulary: Vocabulary): Constraint {
  const known = new Map<State, ConstraintState>();
  const stateOf = (state: State): ConstraintState => {
    let made = known.get(state);
    if (!made) {
      made = {
        allowed: allowedTokens(automaton, state, vocabulary),
        complete: state.complete,
        advance(token) {
          let at: State | null = state;
          for (const byte of vocabulary.bytesOf(token)) at = at && automaton.advance(at, byte);
          if (!at) throw new RangeError(`the constraint does not allow token ${token} here`);
          return stateOf(at);
        },
      };
      known.set(state, made);
    }
    return made;
  };
  return {
    start(vocabSize) {
      if (vocabSize !== vocabulary.size)
        throw new RangeError(`the constraint's vocabulary has ${vocabulary.size} tokens, the model's has ${vocabSize}`);
      return stateOf(automaton.start);
    },
  };
}

function allowedTokens(automaton: Automaton, state: State, vocabulary: Vocabulary): Uint8Array {
  const allowed = new Uint8Array(vocabulary.size);
  const todo: [State, TrieNode][] = [[state, vocabulary.root]];
  for (let pair = todo.pop(); pair; pair = todo.pop()) {
    const [at, node] = pair;
    for (const token of node.tokens) allowed[token] = 1;
    for (const [byte, child] of node.children) {
      const next = automaton.advance(at, byte);
      if (next) todo.push([next, child]);
    }
  }
  return allowed;
}
