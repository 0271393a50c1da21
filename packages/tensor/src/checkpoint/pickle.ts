import { PickleBytes, PickleError } from './pickle-bytes.ts';

/**
 * Something that a pickle may name and call, put in by the reader of the pickle; nothing else can be called.
 * `call` gets the arguments of the call.
 */
export class PickleGlobal {
  readonly name: string;
  readonly call: ((args: readonly PickleValue[]) => PickleValue) | null;

  constructor(name: string, call: PickleGlobal['call'] = null) {
    this.name = name;
    this.call = call;
  }
}

/** An object that a pickle made with the help of its reader, and may set the state of. */
export abstract class PickleObject {
  /** The state that a pickle sets after the object is made. Default: ignored. */
  setState(_state: PickleValue): void {}
}

/** Values as they come out of a pickle: dicts are Maps, lists and tuples are arrays, None is null. */
export type PickleValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | PickleValue[]
  | Map<PickleValue, PickleValue>
  | Set<PickleValue>
  | PickleGlobal
  | PickleObject;

export interface PickleContext {
  /** The global of this name, or null, which refuses the pickle. */
  readonly find: (name: string) => PickleGlobal | null;
  /** Turns a persistent id into a value. */
  readonly persistent: (id: PickleValue) => PickleValue;
}

/** Values on the stack, in the memo, and open marks, each. A pickle of a hundred thousand tensors stays far below. */
const MAX_ITEMS = 4_000_000;
const MAX_MARKS = 10_000;
/** Bytes of an integer: more than any checkpoint needs, few enough to be quick. */
const MAX_INTEGER = 64;

/**
 * Reads one pickle (protocols 2 to 5; https://github.com/python/cpython/blob/main/Lib/pickletools.py describes them) and
 * executes nothing: it builds data, and calls only what the context knows by name.
 * @returns the value and the offset behind the pickle.
 * @throws PickleError where the pickle is damaged, too large, or asks for anything else.
 */
export function unpickle(bytes: Uint8Array, context: PickleContext, start = 0): { value: PickleValue; end: number } {
  const machine = new Machine(new PickleBytes(bytes, start), context);
  const value = machine.run();
  return { value, end: machine.input.at };
}

class Machine {
  readonly input: PickleBytes;
  readonly #context: PickleContext;
  readonly #memo = new Map<number, PickleValue>();
  readonly #marks: PickleValue[][] = [];
  #stack: PickleValue[] = [];

  constructor(input: PickleBytes, context: PickleContext) {
    this.input = input;
    this.#context = context;
  }

  run(): PickleValue {
    for (;;) {
      const opcode = this.input.byte();
      if (opcode === 0x2e /* STOP */) {
        if (this.#marks.length > 0 || this.#stack.length !== 1) throw this.#wrong('STOP with values left over');
        return this.#pop();
      }
      this.#step(opcode);
      if (this.#stack.length > MAX_ITEMS) throw new PickleError(`puts more than ${MAX_ITEMS} values on the stack`);
    }
  }

  #step(opcode: number): void {
    const { input } = this;
    switch (opcode) {
      case 0x80: // PROTO
        this.#protocol(input.byte());
        break;
      case 0x95: // FRAME: a hint for readers of streams
        input.skip(8);
        break;
      case 0x28: // MARK
        if (this.#marks.length >= MAX_MARKS) throw new PickleError(`nests deeper than ${MAX_MARKS} levels`);
        this.#marks.push(this.#stack);
        this.#stack = [];
        break;
      case 0x30: // POP; of a mark where nothing stands above it
        if (this.#stack.length === 0 && this.#marks.length > 0) this.#stack = this.#marks.pop()!;
        else this.#pop();
        break;
      case 0x31: // POP_MARK
        this.#popMark();
        break;
      case 0x32: // DUP
        this.#push(this.#top());
        break;
      case 0x4e: // NONE
        this.#push(null);
        break;
      case 0x88: // NEWTRUE
        this.#push(true);
        break;
      case 0x89: // NEWFALSE
        this.#push(false);
        break;
      case 0x4a: // BININT
        this.#push(input.int32());
        break;
      case 0x4b: // BININT1
        this.#push(input.byte());
        break;
      case 0x4d: // BININT2
        this.#push(input.uint16());
        break;
      case 0x8a: // LONG1
        this.#push(this.#long(input.byte()));
        break;
      case 0x8b: // LONG4
        this.#push(this.#long(input.int32()));
        break;
      case 0x47: // BINFLOAT
        this.#push(input.float64());
        break;
      case 0x58: // BINUNICODE
        this.#push(input.text(input.uint32()));
        break;
      case 0x8c: // SHORT_BINUNICODE
        this.#push(input.text(input.byte()));
        break;
      case 0x8d: // BINUNICODE8
        this.#push(input.text(input.uint64()));
        break;
      case 0x54: // BINSTRING, of Python 2
        this.#push(input.text(input.int32()));
        break;
      case 0x55: // SHORT_BINSTRING
        this.#push(input.text(input.byte()));
        break;
      case 0x42: // BINBYTES
        this.#push(input.bytes(input.uint32()));
        break;
      case 0x43: // SHORT_BINBYTES
        this.#push(input.bytes(input.byte()));
        break;
      case 0x8e: // BINBYTES8
      case 0x96: // BYTEARRAY8
        this.#push(input.bytes(input.uint64()));
        break;
      case 0x5d: // EMPTY_LIST
      case 0x29: // EMPTY_TUPLE
        this.#push([]);
        break;
      case 0x6c: // LIST
      case 0x74: // TUPLE
        this.#push(this.#popMark());
        break;
      case 0x85: // TUPLE1
      case 0x86: // TUPLE2
      case 0x87: // TUPLE3
        this.#push(this.#popMany(opcode - 0x84));
        break;
      case 0x61: // APPEND
        this.#append([this.#pop()]);
        break;
      case 0x65: // APPENDS
        this.#append(this.#popMark());
        break;
      case 0x7d: // EMPTY_DICT
        this.#push(new Map());
        break;
      case 0x64: // DICT
        this.#push(this.#setItems(new Map(), this.#popMark()));
        break;
      case 0x73: // SETITEM
      case 0x75: {
        // SETITEMS
        const items = opcode === 0x73 ? this.#popMany(2) : this.#popMark();
        this.#setItems(this.#top(), items);
        break;
      }
      case 0x8f: // EMPTY_SET
        this.#push(new Set());
        break;
      case 0x90: {
        // ADDITEMS
        const items = this.#popMark();
        const target = this.#top();
        if (!(target instanceof Set)) throw this.#wrong('ADDITEMS to what is no set');
        for (const item of items) target.add(item);
        break;
      }
      case 0x91: // FROZENSET
        this.#push(new Set(this.#popMark()));
        break;
      case 0x63: // GLOBAL
        this.#push(this.#global(input.line(), input.line()));
        break;
      case 0x93: {
        // STACK_GLOBAL
        const [module, name] = this.#popMany(2);
        if (typeof module !== 'string' || typeof name !== 'string') throw this.#wrong('STACK_GLOBAL without two names');
        this.#push(this.#global(module, name));
        break;
      }
      case 0x52: // REDUCE
      case 0x81: {
        // NEWOBJ
        const [callee, args] = this.#popMany(2);
        this.#push(this.#call(callee!, args!));
        break;
      }
      case 0x62: {
        // BUILD
        const state = this.#pop();
        const target = this.#top();
        if (target instanceof PickleObject) target.setState(state);
        else if (!(target instanceof Map)) throw this.#wrong('BUILD of a value that has no state');
        break; // a dict's attributes (`_metadata` of a state dict) are not kept
      }
      case 0x51: // BINPERSID
        this.#push(this.#context.persistent(this.#pop()));
        break;
      case 0x71: // BINPUT
        this.#put(input.byte());
        break;
      case 0x72: // LONG_BINPUT
        this.#put(input.uint32());
        break;
      case 0x94: // MEMOIZE
        this.#put(this.#memo.size);
        break;
      case 0x68: // BINGET
        this.#get(input.byte());
        break;
      case 0x6a: // LONG_BINGET
        this.#get(input.uint32());
        break;
      default:
        throw this.#wrong(`the opcode 0x${opcode.toString(16).padStart(2, '0')}, which is unknown or not allowed`);
    }
  }

  #wrong(what: string): PickleError {
    return new PickleError(`has ${what} (before byte ${this.input.at})`);
  }

  #protocol(version: number): void {
    if (version < 2 || version > 5) throw new PickleError(`has the protocol ${version}, expected 2 to 5`);
  }

  #top(): PickleValue {
    const top = this.#stack.at(-1);
    if (top === undefined) throw this.#wrong('an operation without its operands');
    return top;
  }

  /** The stack is looked up only here, as making the value may have changed which one it is. */
  #push(value: PickleValue): void {
    this.#stack.push(value);
  }

  #pop(): PickleValue {
    const top = this.#top();
    this.#stack.length--;
    return top;
  }

  #popMany(count: number): PickleValue[] {
    if (this.#stack.length < count) throw this.#wrong('an operation without its operands');
    return this.#stack.splice(this.#stack.length - count, count);
  }

  /** What stands above the last mark. */
  #popMark(): PickleValue[] {
    const below = this.#marks.pop();
    if (!below) throw this.#wrong('an operation without its mark');
    const items = this.#stack;
    this.#stack = below;
    return items;
  }

  #append(items: readonly PickleValue[]): void {
    const target = this.#top();
    if (!Array.isArray(target)) throw this.#wrong('an append to what is no list');
    for (const item of items) target.push(item);
  }

  #setItems(target: PickleValue, items: readonly PickleValue[]): PickleValue {
    if (!(target instanceof Map)) throw this.#wrong('an item set on what is no dict');
    if (items.length % 2 !== 0) throw this.#wrong('a key without a value');
    for (let i = 0; i < items.length; i += 2) target.set(items[i]!, items[i + 1]!);
    return target;
  }

  #long(length: number): number | bigint {
    if (length < 0 || length > MAX_INTEGER)
      throw new PickleError(`has an integer of ${length} bytes; at most ${MAX_INTEGER} are allowed`);
    const value = [...this.input.bytes(length)].reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
    const signed = BigInt.asIntN(length * 8, value);
    return Number.isSafeInteger(Number(signed)) ? Number(signed) : signed;
  }

  #global(module: string, name: string): PickleGlobal {
    const found = this.#context.find(`${module}.${name}`);
    if (!found) throw new PickleError(`asks for ${JSON.stringify(`${module}.${name}`)}, which is not allowed`);
    return found;
  }

  #call(callee: PickleValue, args: PickleValue): PickleValue {
    if (!(callee instanceof PickleGlobal) || !callee.call)
      throw this.#wrong(`a call of ${callee instanceof PickleGlobal ? callee.name : 'a plain value'}`);
    if (!Array.isArray(args)) throw this.#wrong('a call without its arguments');
    return callee.call(args);
  }

  #put(key: number): void {
    if (this.#memo.size >= MAX_ITEMS) throw new PickleError(`remembers more than ${MAX_ITEMS} values`);
    this.#memo.set(key, this.#top());
  }

  #get(key: number): void {
    const value = this.#memo.get(key);
    if (value === undefined) throw this.#wrong(`a reference to ${key}, which was not remembered`);
    this.#push(value);
  }
}
