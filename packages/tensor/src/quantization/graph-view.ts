import type { OnnxGraph, OnnxNode, OnnxTensor } from '../onnx/model.ts';

/** Who makes and who reads the values of a graph. */
export class GraphView {
  readonly initializers: ReadonlyMap<string, OnnxTensor>;
  readonly producers: ReadonlyMap<string, OnnxNode>;
  readonly #readers = new Map<string, OnnxNode[]>();
  readonly #outputs: ReadonlySet<string>;

  constructor(graph: OnnxGraph) {
    this.initializers = new Map(graph.initializers.map((tensor) => [tensor.name, tensor]));
    this.producers = new Map(graph.nodes.flatMap((node) => node.outputs.map((name) => [name, node])));
    this.#outputs = new Set(graph.outputs.map(({ name }) => name));
    for (const node of graph.nodes)
      for (const name of new Set([...node.inputs, ...captured(node)])) {
        const readers = this.#readers.get(name);
        if (readers) readers.push(node);
        else this.#readers.set(name, [node]);
      }
  }

  readers(value: string): readonly OnnxNode[] {
    return this.#readers.get(value) ?? [];
  }

  /** The one node that reads a value, where nothing else does. */
  onlyReader(value: string): OnnxNode | null {
    const readers = this.readers(value);
    return readers.length === 1 && !this.#outputs.has(value) ? readers[0]! : null;
  }

  /** A float32 weight that is known when the graph is written. */
  floats(value: string | undefined): { readonly data: Float32Array; readonly dims: readonly number[] } | null {
    const tensor = value ? this.initializers.get(value) : undefined;
    return tensor?.dtype === 'float32' ? { data: tensor.data as Float32Array, dims: tensor.dims } : null;
  }
}

/** What the subgraphs of a node read; names of their own are among it. */
export function captured({ attributes = {} }: OnnxNode): string[] {
  return Object.values(attributes).flatMap((value) =>
    'graph' in value ? value.graph.nodes.flatMap((node) => [...node.inputs, ...captured(node)]) : [],
  );
}

/** An integer attribute. */
export function intOf({ attributes = {} }: OnnxNode, key: string, otherwise: number): number {
  const value = attributes[key];
  return value && 'int' in value ? value.int : otherwise;
}
