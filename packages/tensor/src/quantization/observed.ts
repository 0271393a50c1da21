import type { OnnxModel, OnnxNode, OnnxTensor } from '../onnx/model.ts';
import type { Sites } from './quantize-model.ts';

/** A graph whose outputs are the values of all ranges, and then the means of channels. */
export function observed({ graph, opsets }: OnnxModel, { ranges, means }: Sites): OnnxModel {
  const axes = new Map<number, OnnxTensor>();
  const nodes: OnnxNode[] = [];
  for (const [name, { value, rank }] of means) {
    if (!axes.has(rank)) axes.set(rank, allButChannels(rank));
    nodes.push({
      opType: 'ReduceMean',
      inputs: [value, axes.get(rank)!.name],
      outputs: [`/mean/${name}`],
      attributes: { keepdims: { int: 0 } },
    });
  }
  // A value may be an input, which cannot be an output too.
  const copies = [...ranges].map(([name, value]) => ({
    opType: 'Identity',
    inputs: [value],
    outputs: [`/seen/${name}`],
  }));
  return {
    opsets,
    graph: {
      ...graph,
      nodes: [...graph.nodes, ...copies, ...nodes],
      initializers: [...graph.initializers, ...axes.values()],
      outputs: [...copies, ...nodes].map(({ outputs: [name] }) => ({ name: name!, dtype: 'float32' })),
    },
  };
}

const allButChannels = (rank: number): OnnxTensor => ({
  name: `/axes/${rank}`,
  dtype: 'int64',
  dims: [rank - 1],
  data: BigInt64Array.from([0, ...Array.from({ length: rank - 2 }, (_, i) => i + 2)], BigInt),
});
