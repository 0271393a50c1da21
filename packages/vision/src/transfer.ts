import { freeze, sequential, unfreeze } from '@rivulet/nn';
import { input, type Node, type Tensor, topological } from '@rivulet/tensor';
import type { Backbone } from './models/backbone.ts';

/** What of a pretrained model is trained: everything, its head alone, or the head and that many of the last stages. */
export type TransferMode = 'all' | 'head' | `last:${number}`;

/**
 * Freezes what the mode leaves as it is; batch norm that is frozen keeps its running statistics. Trainers made from here on follow it.
 * @param shape of an image: [channels, height, width].
 * @throws RangeError for a mode that there is not, or more stages than the model has.
 */
export function freezeFor(model: Backbone, mode: TransferMode, shape: readonly number[]): void {
  unfreeze(model);
  if (mode === 'all') return;
  const last = mode === 'head' ? 0 : Number(/^last:(\d+)$/.exec(mode)?.[1] ?? Number.NaN);
  const stages = stageNodes(model, shape);
  if (!(last <= stages.length))
    throw new RangeError(
      `the mode '${mode}' is not 'all', 'head' or 'last:N' with N up to ${stages.length}, its stages`,
    );
  const frozen = new Set(stages.slice(0, stages.length - last).flat());
  const tensors = model.stateDict();
  freeze(model, { except: (name) => !frozen.has(tensors.get(name)!.node) });
}

/** The parameters and buffers that each stage is the first to use. Stages may be functions, so their graph is asked. */
function stageNodes(model: Backbone, shape: readonly number[]): Node[][] {
  const seen = new Set<Node>();
  let x: Tensor = input('images', [1, ...shape]);
  return model.stages().map((stage) => {
    x = sequential(x, [stage]);
    const found = topological([x]).filter((node) => node.kind === 'parameter' && !seen.has(node));
    for (const node of found) seen.add(node);
    return found;
  });
}
