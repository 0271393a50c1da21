import type { Expression, Range } from './expression.ts';
import { utf8Ranges } from './utf8.ts';

/** A place in a rule. `call` goes through another rule and on to `to`; `end` leaves the rule. */
type Node =
  | { kind: 'byte'; from: number; to: number; next: number }
  | { kind: 'split'; next: number[] }
  | { kind: 'call'; rule: string; next: number }
  | { kind: 'end' };

/** Where to go on after a rule; shared by all states that have it. */
interface Frame {
  readonly id: number;
  readonly node: number;
  readonly below: Frame | undefined;
}

interface Place {
  readonly node: number;
  readonly frame: Frame | undefined;
}

/** Everything that may be going on after some bytes. The same state is the same object. */
export interface State {
  readonly id: number;
  readonly places: readonly Place[];
  /** Whether the text may end here. */
  readonly complete: boolean;
  readonly next: (State | null | undefined)[];
}

/**
 * Reads bytes by a context-free grammar: all ways to read them at once, each with its own stack of rules. A grammar without
 * recursion has finitely many states, which become a deterministic automaton as they are met.
 */
export class Automaton {
  readonly start: State;
  readonly #nodes: Node[] = [];
  readonly #rules = new Map<string, number>();
  readonly #frames = new Map<string, Frame>();
  readonly #states = new Map<string, State>();

  /** @throws RangeError for a rule that is not there, or that begins with itself. */
  constructor(rules: ReadonlyMap<string, Expression>, root: string) {
    if (!rules.has(root)) throw new RangeError(`the grammar has no rule '${root}'`);
    requireRules(rules);
    rejectLeftRecursion(rules);
    const end = this.#add({ kind: 'end' });
    for (const [name, expression] of rules) this.#rules.set(name, this.#compile(expression, end));
    this.start = this.#state([{ node: this.#rules.get(root)!, frame: undefined }]);
  }

  /** The state after one more byte; null where it cannot be. */
  advance(state: State, byte: number): State | null {
    const known = state.next[byte];
    if (known !== undefined) return known;
    const after: Place[] = [];
    for (const { node, frame } of state.places) {
      const at = this.#nodes[node]!;
      if (at.kind === 'byte' && byte >= at.from && byte <= at.to) after.push({ node: at.next, frame });
    }
    const next = after.length === 0 ? null : this.#state(after);
    state.next[byte] = next;
    return next;
  }

  #add(node: Node): number {
    return this.#nodes.push(node) - 1;
  }

  /** The node that reads the expression and then goes to `next`. */
  #compile(expression: Expression, next: number): number {
    switch (expression.type) {
      case 'class': {
        const starts = expression.ranges.flatMap(utf8Ranges).map((bytes) => this.#bytes(bytes, next));
        return starts.length === 1 ? starts[0]! : this.#add({ kind: 'split', next: starts });
      }
      case 'sequence':
        return expression.parts.reduceRight((after, part) => this.#compile(part, after), next);
      case 'choice':
        return this.#add({ kind: 'split', next: expression.parts.map((part) => this.#compile(part, next)) });
      case 'repeat': {
        const { part, min, max } = expression;
        let after = next;
        if (max === Number.POSITIVE_INFINITY) {
          const loop: number[] = [next];
          after = this.#add({ kind: 'split', next: loop });
          loop.push(this.#compile(part, after));
        } else
          for (let i = min; i < max; i++)
            after = this.#add({ kind: 'split', next: [next, this.#compile(part, after)] });
        for (let i = 0; i < min; i++) after = this.#compile(part, after);
        return after;
      }
      case 'rule':
        return this.#add({ kind: 'call', rule: expression.name, next });
    }
  }

  #bytes(ranges: readonly Range[], next: number): number {
    return ranges.reduceRight((after, [from, to]) => this.#add({ kind: 'byte', from, to, next: after }), next);
  }

  /** Follows all that needs no byte. */
  #state(from: readonly Place[]): State {
    const seen = new Set<string>();
    const places = new Map<string, Place>();
    let complete = false;
    const todo = [...from];
    for (let place = todo.pop(); place; place = todo.pop()) {
      const { node, frame } = place;
      const key = `${node}.${frame?.id ?? ''}`;
      if (seen.has(key)) continue;
      seen.add(key);
      const at = this.#nodes[node]!;
      if (at.kind === 'byte') places.set(key, place);
      else if (at.kind === 'split') for (const next of at.next) todo.push({ node: next, frame });
      else if (at.kind === 'call') {
        const isLast = this.#nodes[at.next]!.kind === 'end'; // then nothing has to be come back to
        todo.push({ node: this.#rules.get(at.rule)!, frame: isLast ? frame : this.#frame(at.next, frame) });
      } else if (frame) todo.push({ node: frame.node, frame: frame.below });
      else complete = true;
    }
    const key = `${complete ? '!' : ''}${[...places.keys()].sort().join(',')}`;
    let state = this.#states.get(key);
    if (!state) {
      state = { id: this.#states.size, places: [...places.values()], complete, next: [] };
      this.#states.set(key, state);
    }
    return state;
  }

  #frame(node: number, below: Frame | undefined): Frame {
    const key = `${node}.${below?.id ?? ''}`;
    let frame = this.#frames.get(key);
    if (!frame) {
      frame = { id: this.#frames.size, node, below };
      this.#frames.set(key, frame);
    }
    return frame;
  }
}

/** A rule that begins with itself would be entered forever. */
function rejectLeftRecursion(rules: ReadonlyMap<string, Expression>): void {
  const empty = new Set<string>(); // rules that can read nothing
  const canBeEmpty = (e: Expression): boolean => {
    switch (e.type) {
      case 'class':
        return false;
      case 'sequence':
        return e.parts.every(canBeEmpty);
      case 'choice':
        return e.parts.some(canBeEmpty);
      case 'repeat':
        return e.min === 0 || canBeEmpty(e.part);
      case 'rule':
        return empty.has(e.name);
    }
  };
  for (let size = -1; size < empty.size; ) {
    size = empty.size;
    for (const [name, expression] of rules) if (canBeEmpty(expression)) empty.add(name);
  }
  const firsts = (e: Expression): string[] => {
    switch (e.type) {
      case 'class':
        return [];
      case 'sequence': {
        const end = e.parts.findIndex((part) => !canBeEmpty(part));
        return e.parts.slice(0, end < 0 ? undefined : end + 1).flatMap(firsts);
      }
      case 'choice':
        return e.parts.flatMap(firsts);
      case 'repeat':
        return e.max === 0 ? [] : firsts(e.part);
      case 'rule':
        return [e.name];
    }
  };
  const first = new Map([...rules].map(([name, expression]) => [name, firsts(expression)]));
  for (const name of rules.keys()) {
    const reached = new Set<string>();
    const todo = [...first.get(name)!];
    for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
      if (next === name) throw new RangeError(`the rule '${name}' begins with itself; write it as a repetition`);
      if (reached.has(next)) continue;
      reached.add(next);
      todo.push(...first.get(next)!);
    }
  }
}

function requireRules(rules: ReadonlyMap<string, Expression>): void {
  const visit = (e: Expression): void => {
    if (e.type === 'rule' && !rules.has(e.name)) throw new RangeError(`the grammar has no rule '${e.name}'`);
    if (e.type === 'sequence' || e.type === 'choice') e.parts.forEach(visit);
    if (e.type === 'repeat') visit(e.part);
  };
  for (const expression of rules.values()) visit(expression);
}
