import type { HostTensor, Session } from './backend/backend.ts';
import { defaultBackend } from './backend/select.ts';
import { SymbolicDim } from './dim.ts';
import { inputsOf, resolve, topological } from './graph.ts';
import { lowerModel, type NamedTensor } from './lowering/lower.ts';
import { encodeModel } from './onnx/encode.ts';
import { installEvaluate, type Node, Tensor } from './tensor.ts';

/** So many sessions are kept; the one that was used the longest time ago goes first. */
const CAPACITY = 32;

/** Graphs with fewer elements than this run in one thread: idle threads of kept sessions would cost more than they bring. */
const SMALL = 2 ** 20;

interface Entry {
  readonly session: Promise<Session>;
  users: number;
  evicted: boolean;
}

/** Structure → session, the last used at the end. */
const entries = new Map<string, Entry>();

let functions = 0;

/** What an expression computes, apart from the values that go in. */
interface Structure {
  readonly key: string;
  /** Constants and parameters: they become inputs, so that other values need no new session. */
  readonly leaves: readonly Tensor[];
  /** All elements of all values. */
  readonly elements: number;
}

function structureOf(outputs: readonly Tensor[]): Structure {
  const numbers = new Map<Node, number>();
  const leaves: Tensor[] = [];
  const lines: string[] = [];
  let elements = 0;
  const reference = (t: Tensor): string => {
    const { node, index } = resolve(t);
    return `${numbers.get(node)}.${index}`;
  };
  const describe = (value: unknown): string => {
    if (value instanceof Tensor) {
      visit([value]);
      return reference(value);
    }
    if (Array.isArray(value)) return `[${value.map(describe)}]`;
    if (typeof value === 'object' && value !== null && !(value instanceof SymbolicDim))
      return `{${Object.entries(value).map(([key, item]) => `${key}:${describe(item)}`)}}`;
    if (typeof value === 'function') return `function ${functions++}`; // equal to nothing: what it does cannot be seen
    return Object.is(value, -0) ? '-0' : String(value);
  };
  const visit = (roots: readonly Tensor[]): void => {
    for (const node of topological(roots, (t) => numbers.has(t.node))) {
      const types = node.types.map(({ dtype, shape }) => `${dtype}[${shape}]`);
      for (const { shape } of node.types)
        elements += shape.reduce<number>((n, dim) => (typeof dim === 'number' ? n * dim : n), 1);
      // The parts of an operation's attributes that are tensors (a recurrence's step) come before it.
      const what =
        node.kind === 'op' ? `${node.op}(${inputsOf(node).map(reference)})${describe(node.attrs)}` : node.kind;
      if (node.kind === 'constant' || node.kind === 'parameter') leaves.push(new Tensor(node));
      numbers.set(node, lines.length);
      lines.push(`${what}:${types}`);
    }
  };
  visit(outputs);
  return { key: [...lines, ...outputs.map(reference)].join('\n'), leaves, elements };
}

async function createSession(outputs: readonly Tensor[], { leaves, elements }: Structure): Promise<Session> {
  const backend = await defaultBackend();
  const named = (prefix: string, tensors: readonly Tensor[]): NamedTensor[] =>
    tensors.map((tensor, i) => ({ name: `${prefix}_${i}`, tensor }));
  const model = encodeModel(lowerModel(named('leaf', leaves), named('out', outputs)));
  return backend.createSession(model, { optimization: 'basic', ...(elements < SMALL ? { threads: 1 } : {}) });
}

function release(entry: Entry): void {
  if (entry.evicted && entry.users === 0)
    entry.session.then(
      (session) => session.dispose(),
      () => {}, // it was never made; who asked for it knows
    );
}

/** The kept session of a structure, or a new one; `users` is raised. */
function acquire(outputs: readonly Tensor[], structure: Structure): Entry {
  const { key } = structure;
  const known = entries.get(key);
  const entry = known ?? { session: createSession(outputs, structure), users: 0, evicted: false };
  entry.users++;
  entries.delete(key); // to the end
  entries.set(key, entry);
  for (const [oldest, other] of entries) {
    if (entries.size <= CAPACITY) break;
    entries.delete(oldest);
    other.evicted = true;
    release(other);
  }
  if (!known)
    entry.session.catch(() => {
      if (entries.get(key) === entry) entries.delete(key);
    });
  return entry;
}

const hostOf = ({ node }: Tensor): HostTensor => {
  if (node.kind === 'constant') return node.value;
  if (node.kind === 'parameter') return node.storage;
  throw new TypeError('only constants and parameters have values'); // unreachable: leaves are nothing else
};

/** Runs expressions alone. Sessions are kept by structure: an expression that differs in its values only is not compiled again. */
export async function evaluate(outputs: readonly Tensor[]): Promise<HostTensor[]> {
  const structure = structureOf(outputs);
  const entry = acquire(outputs, structure);
  try {
    const session = await entry.session;
    return await session.run(structure.leaves.map(hostOf));
  } finally {
    entry.users--;
    release(entry);
  }
}

installEvaluate(evaluate);
