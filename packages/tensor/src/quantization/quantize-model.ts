import type { OnnxModel } from '../onnx/model.ts';
import type { InParts } from '../slices.ts';
import type { Calibration } from './calibration.ts';
import { foldBatchNorms } from './fold-batch-norm.ts';
import { rules } from './rules.ts';
import { stepsOf } from './steps.ts';
import { type Seen, WholeGraph } from './whole-graph.ts';

/**
 * The same network with its convolutions in whole numbers: 8 bits of activations, 7 of weights, one scale per output channel
 * (https://arxiv.org/abs/1712.05877). Values stay in whole numbers from one convolution to the next where all that lies between can work
 * on them, and are turned to float32 and back elsewhere.
 * @throws RangeError where the graph has no convolution, and where the calibration is of another network.
 */
export function* quantizeModel(model: OnnxModel, calibration: Calibration): InParts<OnnxModel> {
  const graph = yield* foldBatchNorms(model.graph);
  const whole = yield* rewritten(new WholeGraph(graph, given(calibration)));
  return { ...model, graph: whole.graph() };
}

/** A value of which each channel is looked at, and the number of its axes. */
export interface ChannelSite {
  readonly value: string;
  readonly rank: number;
}

/** Values of a graph, each with its name in a calibration. */
export interface Sites {
  readonly ranges: ReadonlyMap<string, string>;
  readonly means: ReadonlyMap<string, ChannelSite>;
  readonly peaks: ReadonlyMap<string, ChannelSite>;
}

/** What `quantizeModel` has to know of a network, and the float32 graph to see it in. */
export function* sitesOf(model: OnnxModel): InParts<{ readonly model: OnnxModel; readonly sites: Sites }> {
  const graph = yield* foldBatchNorms(model.graph);
  const ranges = new Map<string, string>();
  const means = new Map<string, ChannelSite>();
  const peaks = new Map<string, ChannelSite>();
  const of =
    (sites: Map<string, ChannelSite>): Seen['means'] =>
    ({ name, value }, channels, rank) => {
      sites.set(name, { value, rank });
      return new Array<number>(channels).fill(0);
    };
  const asked: Seen = {
    steps: ({ name, value }) => {
      ranges.set(name, value);
      return stepsOf({ min: 0, max: 1 });
    },
    means: of(means),
    peaks: of(peaks),
  };
  yield* rewritten(new WholeGraph(graph, asked));
  return { model: { ...model, graph }, sites: { ranges, means, peaks } };
}

function* rewritten(whole: WholeGraph): InParts<WholeGraph> {
  for (const node of whole.source.nodes) {
    if (!whole.isDone(node) && !rules[node.opType]?.(whole, node)) whole.keep(node);
    yield;
  }
  if (whole.convolutions === 0) throw new RangeError('the graph has no convolution that could be in whole numbers');
  return whole;
}

function given({ ranges, means, peaks }: Calibration): Seen {
  const of = <T>(entries: Readonly<Record<string, T>>, name: string): T => {
    if (!Object.hasOwn(entries, name))
      throw new RangeError(`the calibration says nothing of '${name}': it is of another network; calibrate this one`);
    return entries[name]!;
  };
  const channelsOf =
    (entries: Calibration['means']): Seen['means'] =>
    ({ name }, channels) => {
      const known = of(entries, name);
      if (known.length !== channels)
        throw new RangeError(
          `the calibration has ${known.length} channels of '${name}', the network ${channels}: it is of another one; calibrate this one`,
        );
      return known;
    };
  return {
    steps: ({ name }) => stepsOf(of(ranges, name)),
    means: channelsOf(means),
    peaks: channelsOf(peaks),
  };
}
