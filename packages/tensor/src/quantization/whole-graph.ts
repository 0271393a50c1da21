import type { HostTensor } from '../backend/backend.ts';
import type { NodeAttributes } from '../lowering/lowering.ts';
import { attribute } from '../lowering/scope.ts';
import type { OnnxGraph, OnnxNode, OnnxTensor } from '../onnx/model.ts';
import { captured, GraphView } from './graph-view.ts';
import type { Steps } from './steps.ts';

/** A value of the graph, and its name in a calibration. */
export interface Site {
  readonly value: string;
  readonly name: string;
}

/** What is known of the graph's values. */
export interface Seen {
  steps(site: Site): Steps;
  /** The means of its channels. */
  means(site: Site, channels: number, rank: number): readonly number[];
  /** The largest values of its channels. */
  peaks(site: Site, channels: number, rank: number): readonly number[];
}

/** A value in whole numbers: uint8, x ≈ scale · (q − zeroPoint). */
export interface Form extends Steps {
  readonly name: string;
}

/**
 * A graph that is rewritten node by node. Each value exists in float32, in whole numbers, or in both; it is turned where the other form is
 * needed, once.
 */
export class WholeGraph {
  readonly source: OnnxGraph;
  readonly view: GraphView;
  /** Convolutions that are in whole numbers so far. */
  convolutions = 0;
  readonly #seen: Seen;
  readonly #nodes: OnnxNode[] = [];
  readonly #made: OnnxTensor[] = [];
  readonly #constants = new Map<string, string>();
  readonly #forms = new Map<string, Form>();
  readonly #floats = new Set<string>();
  readonly #done = new Set<OnnxNode>();
  readonly #names = new Map<string, string>();
  readonly #counts = new Map<string, number>();
  readonly #gains = new Map<string, Float32Array>();
  #count = 0;

  constructor(source: OnnxGraph, seen: Seen) {
    this.source = source;
    this.view = new GraphView(source);
    this.#seen = seen;
    for (const { name } of [...source.inputs, ...source.initializers]) this.#floats.add(name);
  }

  graph(): OnnxGraph {
    for (const { name } of this.source.outputs) this.float(name);
    return { ...this.source, nodes: this.#nodes, initializers: [...this.source.initializers, ...this.#made] };
  }

  isDone(node: OnnxNode): boolean {
    return this.#done.has(node);
  }

  /** The node is part of what another one became. */
  finish(node: OnnxNode): void {
    this.#done.add(node);
  }

  /** The node stays in float32. */
  keep(node: OnnxNode): void {
    for (const name of [...node.inputs, ...captured(node)]) if (this.#forms.has(name)) this.float(name);
    this.#nodes.push(node);
    for (const name of node.outputs) this.#floats.add(name);
  }

  /** The steps of a value, from its range. */
  steps(value: string): Steps {
    return this.#seen.steps(this.#site(value));
  }

  /** The means of a value's channels. */
  means(value: string, channels: number, rank: number): readonly number[] {
    return this.#seen.means(this.#site(value), channels, rank);
  }

  /** The largest values of a value's channels. */
  peaks(value: string, channels: number, rank: number): readonly number[] {
    return this.#seen.peaks(this.#site(value), channels, rank);
  }

  /** What each channel of a value's form is multiplied with; null: nothing. */
  gains(value: string): Float32Array | null {
    return this.#gains.get(value) ?? null;
  }

  setGains(value: string, gains: Float32Array): void {
    this.#gains.set(value, gains);
  }

  /**
   * Values are numbered by what makes them, in the order in which they are asked for: so nothing that is not in whole numbers counts,
   * such as the arithmetic of symbolic sizes.
   */
  #site(value: string): Site {
    const known = this.#names.get(value);
    if (known !== undefined) return { value, name: known };
    const opType = this.view.producers.get(value)?.opType ?? 'input'; // whatever it is called
    const number = this.#counts.get(opType) ?? 0;
    this.#counts.set(opType, number + 1);
    const name = `${opType}_${number}`;
    this.#names.set(value, name);
    return { value, name };
  }

  /** A value in whole numbers, where it exists so. */
  form(value: string): Form | undefined {
    return this.#forms.get(value);
  }

  setForm(value: string, form: Form): void {
    this.#forms.set(value, form);
  }

  /** A value in whole numbers, turned where it is not yet. */
  whole(value: string): Form {
    const known = this.#forms.get(value);
    if (known) return known;
    const steps = this.steps(value);
    const form = { ...steps, name: this.emit('QuantizeLinear', [value, ...this.scaleAndZero(steps)]) };
    this.#forms.set(value, form);
    return form;
  }

  /** Makes sure that a value exists in float32, under its own name. */
  float(value: string): void {
    if (this.#floats.has(value)) return;
    const form = this.#forms.get(value)!;
    this.#push('DequantizeLinear', [form.name, ...this.scaleAndZero(form)], [value]);
    this.#floats.add(value);
  }

  emit(opType: string, inputs: readonly string[], attributes: NodeAttributes = {}, domain = ''): string {
    const output = `/whole/${opType}_${this.#count++}`;
    this.#push(opType, inputs, [output], attributes, domain);
    return output;
  }

  /** A node as it is, on other values. */
  emitLike(node: OnnxNode, inputs: readonly string[]): string[] {
    const outputs = node.outputs.map(() => `/whole/${node.opType}_${this.#count++}`);
    this.#nodes.push({ ...node, name: outputs[0]!, inputs, outputs });
    return outputs;
  }

  scaleAndZero({ scale, zeroPoint }: Steps): [string, string] {
    return [this.scalar('float32', Float32Array.of(scale)), this.scalar('uint8', Uint8Array.of(zeroPoint))];
  }

  scalar(dtype: HostTensor['dtype'], data: HostTensor['data']): string {
    const key = `${dtype} ${data[0]}`;
    const known = this.#constants.get(key) ?? this.constant({ dtype, dims: [], data });
    this.#constants.set(key, known);
    return known;
  }

  constant(tensor: HostTensor): string {
    const name = `/whole/c_${this.#count++}`;
    this.#made.push({ ...tensor, name });
    return name;
  }

  #push(
    opType: string,
    inputs: readonly string[],
    outputs: string[],
    attributes: NodeAttributes = {},
    domain = '',
  ): void {
    const tagged = Object.entries(attributes).map(([key, value]) => [key, attribute(value)] as const);
    this.#nodes.push({ opType, domain, name: outputs[0]!, inputs, outputs, attributes: Object.fromEntries(tagged) });
  }
}
