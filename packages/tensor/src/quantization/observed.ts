import type { OnnxModel, OnnxNode, OnnxTensor } from '../onnx/model.ts';
import type { Sites } from './quantize-model.ts';

/** A graph whose outputs are the values of all ranges, then the means and then the peaks of channels. */
export function observed({ graph, opsets }: OnnxModel, { ranges, means, peaks }: Sites): OnnxModel {
  const axes = new Map<number, OnnxTensor>();
  const nodes: OnnxNode[] = [];
  const perChannel = (opType: string, sites: Sites['means']): void => {
    for (const [name, { value, rank }] of sites) {
      if (!axes.has(rank)) axes.set(rank, allButChannels(rank));
      const inputs = [value, axes.get(rank)!.name];
      nodes.push({ opType, inputs, outputs: [`/${opType}/${name}`], attributes: { keepdims: { int: 0 } } });
    }
  };
  perChannel('ReduceMean', means);
  perChannel('ReduceMax', peaks);
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
