import type { HostTensor } from '../backend/backend.ts';
import { type Dim, mulDims, type Shape } from '../dim.ts';
import { allocate, type DType } from '../dtype.ts';
import { resolve, TensorMap, topological } from '../graph.ts';
import type { HeldWeights } from '../held.ts';
import type { OnnxAttribute, OnnxNode, OnnxTensor, OnnxValue } from '../onnx/model.ts';
import { elementwiseOps } from '../ops/elementwise-ops.ts';
import type { ChannelsLast, OpRule } from '../ops/rule.ts';
import { atOnce, type InParts } from '../slices.ts';
import { type Node, type OpNode, type ParameterNode, ruleOf, type Tensor } from '../tensor.ts';
import type { Body, Lowering, NodeAttributes, PackedNames } from './lowering.ts';
import type { WeightFormat } from './packed-weights.ts';

/** A parameter to pack, transposed before where the graph reads it so. */
interface PackedWeight {
  readonly names: PackedNames;
  readonly parameter: ParameterNode;
  readonly transposed: boolean;
}

/** What the whole model shares, subgraphs included: ONNX wants names unique across all of them. */
export interface Shared {
  count: number;
  readonly initializers: OnnxTensor[];
  readonly constants: Map<string, string>;
  readonly symbols: Map<string, { input: string; axis: number }>;
  readonly memo: Map<string, string>;
  readonly winograd: 0 | 2 | 4;
  readonly channelBlock: number;
  readonly weights: WeightFormat;
  readonly held: HeldWeights;
  /** Matrices to pack once the graph is written: that takes time, and stops in between. */
  readonly packed: Map<Node, PackedWeight>;
}

export class Scope implements Lowering {
  readonly nodes: OnnxNode[] = [];
  readonly #shared: Shared;
  readonly #parent: Scope | null;
  readonly #names = new TensorMap<string>();
  /** Images that lie as [H, W, N, C]; some have a name in `#names` too. */
  readonly #turned = new TensorMap<string>();
  readonly #dims = new Map<string, string>();

  constructor(shared: Shared, parent: Scope | null = null) {
    this.#shared = shared;
    this.#parent = parent;
  }

  bind(tensor: Tensor, name: string): void {
    this.#names.set(resolve(tensor), name);
  }

  /** The slash keeps it apart from the names of inputs and outputs, which users choose. */
  fresh(stem: string): string {
    return `/${stem}_${this.#shared.count++}`;
  }

  get winograd(): 0 | 2 | 4 {
    return this.#shared.winograd;
  }

  get channelBlock(): number {
    return this.#shared.channelBlock;
  }

  packed(weight: Tensor): PackedNames | null {
    const { weights, packed } = this.#shared;
    const { node } = resolve(weight);
    const transposed = node.kind === 'op' && node.op === 'permute' && (node as OpNode<'permute'>).attrs.order[0] === 1;
    const parameter = transposed ? resolve(node.inputs[0]!).node : node;
    if (weights === 'float32' || parameter.kind !== 'parameter') return null;
    const known = packed.get(node);
    if (known) return known.names;
    const [values, scales] = [this.fresh('packed'), this.fresh('scales')];
    const names = { bits: weights === 'int4' ? 4 : 8, values, scales };
    packed.set(node, { names, parameter, transposed });
    return names;
  }

  memo(key: string, make: () => string): string {
    const name = this.#shared.memo.get(key) ?? make();
    this.#shared.memo.set(key, name);
    return name;
  }

  #isKnown(tensor: Tensor): boolean {
    if (this.#names.has(tensor) || this.#turned.has(tensor)) return true;
    const parent = this.#parent;
    return parent ? parent.#isKnown(tensor) : false;
  }

  #lookup(tensor: Tensor): string {
    const known = this.#names.get(tensor);
    if (known !== undefined) return known;
    const turned = this.#turned.get(tensor);
    if (turned === undefined) return this.#parent!.#lookup(tensor);
    const name = this.#turn(turned, tensor.shape, 2);
    this.#names.set(tensor, name);
    return name;
  }

  /** The name of an image that lies as [H, W, N, C]. */
  #lookupTurned(tensor: Tensor): string {
    const known = this.#turned.get(tensor);
    if (known !== undefined) return known;
    const name = this.#turn(this.#lookup(tensor), tensor.shape, 0);
    this.#turned.set(tensor, name);
    return name;
  }

  /** Swaps the halves of four axes, as the transposition of a matrix: the runtime is ten times faster at that. */
  #turn(value: string, shape: Shape, first: 0 | 2): string {
    const [batch, channels, height, width] = shape as [Dim, Dim, Dim, Dim];
    const halves = [mulDims(batch, channels), mulDims(height, width)];
    const matrix = this.op('Reshape', [value, this.shape(first === 0 ? halves : halves.toReversed())]);
    const turned = this.op('Transpose', [matrix], { perm: [1, 0] });
    const target = first === 0 ? [height, width, batch, channels] : shape;
    return this.op('Reshape', [turned, this.shape(target)]);
  }

  #liesTurned = (tensor: Tensor): boolean => this.#turned.has(tensor) && !this.#names.has(tensor);

  /** Lowers what the tensors need and returns their names. */
  values(tensors: readonly Tensor[]): string[] {
    return atOnce(this.valuesInParts(tensors));
  }

  *valuesInParts(tensors: readonly Tensor[]): InParts<string[]> {
    for (const node of topological(tensors, (t) => this.#isKnown(t))) {
      yield;
      switch (node.kind) {
        case 'op':
          this.#lower(node);
          break;
        case 'constant':
          this.#names.set({ node, index: 0 } as Tensor, this.constant(node.value));
          break;
        case 'parameter':
          this.#names.set({ node, index: 0 } as Tensor, this.#initializer('p', this.#shared.held.of(node)));
          break;
        case 'input':
          throw new TypeError(`the expression reads the input '${node.name}', which this graph does not have`);
      }
    }
    return tensors.map((t) => this.#lookup(resolve(t)));
  }

  #lower(node: OpNode): void {
    if (this.#lowerTurned(node)) return;
    const rule = ruleOf(node.op);
    const known = node.inputs.map((t) => this.#lookup(resolve(t))); // they come before this node
    const args = { inputs: node.inputs, names: known, attrs: node.attrs, outputs: node.types };
    const names =
      'lower' in rule && rule.lower
        ? rule.lower(this, args as never)
        : this.values('expand' in rule ? rule.expand(node.inputs, node.attrs as never) : []);
    names.forEach((name, index) => {
      this.#names.set({ node, index } as Tensor, name);
    });
  }

  /** Lowers an operation on images that lie as [H, W, N, C], where that is how it is best done. */
  #lowerTurned(node: OpNode): boolean {
    if (this.#shared.winograd === 0) return false;
    const inputs = node.inputs.map(resolve);
    const given = inputs.some(this.#liesTurned);
    const rule = ruleOf(node.op) as OpRule<never>;
    const own = 'channelsLast' in rule ? rule.channelsLast : undefined;
    const form = own ?? (given ? turnedElementwise(node, rule) : null);
    if (!form) return false;
    const base = { inputs: node.inputs, attrs: node.attrs as never, outputs: node.types };
    if (!form.when(this, { ...base, names: [] }, given)) return false;
    const names = inputs.map((t, i) => (form.inputs.includes(i) ? this.#lookupTurned(t) : this.#lookup(t)));
    form.lower(this, { ...base, names }).forEach((name, index) => {
      const known = form.outputs.includes(index) ? this.#turned : this.#names;
      known.set({ node, index } as Tensor, name);
    });
    return true;
  }

  op(opType: string, inputs: readonly string[], attributes: NodeAttributes = {}, domain = ''): string {
    return this.ops(1, opType, inputs, attributes, domain)[0]!;
  }

  ops(
    count: number,
    opType: string,
    inputs: readonly string[],
    attributes: NodeAttributes = {},
    domain = '',
  ): string[] {
    const outputs = Array.from({ length: count }, () => this.fresh(opType));
    const tagged = Object.entries(attributes).map(([key, value]) => [key, attribute(value)] as const);
    this.nodes.push({ opType, domain, name: outputs[0]!, inputs, outputs, attributes: Object.fromEntries(tagged) });
    return outputs;
  }

  constant(value: HostTensor): string {
    if (value.data.length > 16) return this.#initializer('c', value);
    const key = `${value.dtype}[${value.dims}]${value.data.join()}`;
    const name = this.#shared.constants.get(key) ?? this.#initializer('c', value);
    this.#shared.constants.set(key, name);
    return name;
  }

  #initializer(stem: string, value: HostTensor): string {
    const name = this.fresh(stem);
    this.#shared.initializers.push({ ...value, name });
    return name;
  }

  float(value: number): string {
    return this.scalar(value, 'float32');
  }

  scalar(value: number, dtype: DType): string {
    const data = allocate(dtype, 1);
    data[0] = (dtype === 'int64' ? BigInt(value) : value) as never;
    return this.constant({ dtype, dims: [], data });
  }

  ints(values: readonly number[]): string {
    return this.constant({ dtype: 'int64', dims: [values.length], data: BigInt64Array.from(values, BigInt) });
  }

  shape(shape: Shape): string {
    if (shape.every((dim) => typeof dim === 'number')) return this.ints(shape);
    // The one unknown size of a Reshape is cheaper as -1, but Expand and ConstantOfShape need it: compute it for all.
    return this.op(
      'Concat',
      shape.map((dim) => this.#dim(dim)),
      { axis: 0 },
    );
  }

  /** A size as an int64 vector of one. */
  #dim(dim: Dim): string {
    if (typeof dim === 'number') return this.ints([dim]);
    if (this.#parent) return this.#parent.#dim(dim);
    const known = this.#dims.get(dim.toString());
    if (known) return known;
    const terms = [...dim.terms].map(([names, k]) =>
      names
        .split('*')
        .filter(Boolean)
        .map((name) => this.#symbol(name))
        .reduce((a, b) => this.op('Mul', [a, b]), this.ints([k])),
    );
    const name = terms.reduce((a, b) => this.op('Add', [a, b]));
    this.#dims.set(dim.toString(), name);
    return name;
  }

  #symbol(name: string): string {
    const known = this.#dims.get(name);
    if (known) return known;
    const source = this.#shared.symbols.get(name);
    if (!source) throw new RangeError(`the symbolic size ${name} belongs to no input of this graph`);
    const value = this.op('Shape', [source.input], { start: source.axis, end: source.axis + 1 });
    this.#dims.set(name, value);
    return value;
  }

  /**
   * Names that can be outputs of this graph. Most values can as they are; one that comes from outside, or that is an output
   * already, needs a copy.
   */
  outputs(names: readonly string[]): string[] {
    const free = new Set(this.nodes.flatMap((node) => node.outputs));
    return names.map((name) => (free.delete(name) ? name : this.op('Identity', [name])));
  }

  subgraph(name: string, body: Body): OnnxAttribute {
    const child = new Scope(this.#shared, this);
    const inputs = body.params.map((param): OnnxValue => {
      const input = child.fresh(`${name}_in`);
      child.bind(param, input);
      return { name: input, dtype: param.dtype };
    });
    const names = child.values(body.results);
    const outputs = child.outputs(names).map((value, i): OnnxValue => ({ name: value, dtype: body.results[i]!.dtype }));
    return { graph: { name: this.fresh(name), nodes: child.nodes, inputs, outputs, initializers: [] } };
  }
}

/** Element by element the layout does not matter, as long as all images have the same; scalars go with any. */
function turnedElementwise(node: OpNode, rule: OpRule<never>): ChannelsLast<never> | null {
  const suits = node.inputs.every((t) => t.rank === 4 || t.rank === 0);
  if (!elementwiseOps.has(node.op) || !suits || !('lower' in rule) || !rule.lower) return null;
  const images = node.inputs.flatMap((t, i) => (t.rank === 4 ? [i] : []));
  return { inputs: images, outputs: [0], when: () => true, lower: rule.lower };
}

export function attribute(value: NodeAttributes[string]): OnnxAttribute {
  if (typeof value === 'number') return { int: value };
  if (typeof value === 'string') return { string: value };
  return Array.isArray(value) ? { ints: value as readonly number[] } : (value as OnnxAttribute);
}
