import type { HostTensor } from './backend/backend.ts';
import { topological } from './graph.ts';
import type { ParameterNode, Tensor } from './tensor.ts';

/** Arrays that a compilation still reads, and how many do. A training step must not take them for its results. */
const readers = new Map<HostTensor, number>();

export const isHeld = (storage: HostTensor): boolean => readers.has(storage);

/** What the parameters of a graph are now; they stay so until they are released, though training goes on. */
export class HeldWeights {
  readonly #storages = new Map<ParameterNode, HostTensor>();

  constructor(outputs: readonly Tensor[]) {
    for (const node of topological(outputs)) {
      if (node.kind !== 'parameter') continue;
      this.#storages.set(node, node.storage);
      readers.set(node.storage, (readers.get(node.storage) ?? 0) + 1);
    }
  }

  of(node: ParameterNode): HostTensor {
    return this.#storages.get(node) ?? node.storage;
  }

  release(): void {
    for (const storage of this.#storages.values()) {
      const left = readers.get(storage)! - 1;
      if (left === 0) readers.delete(storage);
      else readers.set(storage, left);
    }
    this.#storages.clear();
  }
}
