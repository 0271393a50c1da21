import { type Module, storageOf } from '@rivulet/nn';
import {
  buffer,
  type CompiledStep,
  compileStep,
  type Feeds,
  gradientsInParts,
  type HostTensor,
  type InParts,
  type InputSpecs,
  type Inputs,
  type StepProgram,
  type Tensor,
} from '@rivulet/tensor';
import { clipByNorm, globalNorm, type Optimizer } from './optimizer.ts';

export interface TrainerOptions<I extends InputSpecs> {
  readonly model: Module;
  readonly optimizer: Optimizer;
  /** The batches' tensors. Symbolic sizes let one session serve every batch. */
  readonly inputs: I;
  /** The loss to minimize, a scalar. Traced once, for training. */
  readonly loss: (inputs: Inputs<I>) => Tensor;
  /** Gradients are scaled down to this norm. Default: not at all. */
  readonly clipNorm?: number;
  /** The decay of a moving average of the weights, kept beside them; none by default. */
  readonly ema?: number;
  /** What dropout draws from; together with the step's number it decides every mask. Default 0. */
  readonly seed?: number;
}

export interface StepResult {
  readonly loss: number;
  /** Before clipping. */
  readonly gradientNorm: number;
  readonly learningRate: number;
}

type StepOutputs = { loss: Tensor; norm: Tensor };

/** Owns what training adds to a model: the compiled step, the optimizer's memory, the step's number. */
export class Trainer<I extends InputSpecs> {
  /** Steps done. */
  step = 0;
  readonly model: Module;
  readonly #options: TrainerOptions<I>;
  readonly #parameters: readonly (readonly [string, Tensor])[];
  readonly #slots: readonly (readonly Tensor[])[];
  readonly #averages: readonly Tensor[];
  #compiled: Promise<CompiledStep<I & InputSpecs, StepOutputs>> | null = null;

  constructor(options: TrainerOptions<I>) {
    this.model = options.model;
    this.#options = options;
    this.#parameters = [...options.model.parameters()];
    this.#slots = this.#parameters.map(([, p]) => options.optimizer.slots.map(() => like(p)));
    this.#averages = options.ema === undefined ? [] : this.#parameters.map(([, p]) => copyOf(p));
  }

  /** One update. @throws Error when the loss is not finite; the parameters have been updated with it by then. */
  async train(feeds: Feeds<I>): Promise<StepResult> {
    this.#compiled ??= this.#compile();
    const compiled = await this.#compiled;
    const scalars = this.#options.optimizer.scalars(this.step + 1);
    const values = Object.fromEntries(scalars.map((value, i) => [`scalar_${i}`, scalarTensor(value)]));
    const seed = mixSeed(this.#options.seed ?? 0, this.step);
    const { loss, norm } = await compiled.run({ ...feeds, ...values } as Feeds<I & InputSpecs>, seed);
    this.step++;
    const result = { loss: loss.data[0] as number, gradientNorm: norm.data[0] as number, learningRate: scalars[0]! };
    if (!Number.isFinite(result.loss))
      throw new Error(`the loss is ${result.loss} at step ${this.step}; lower the learning rate or clip the gradients`);
    return result;
  }

  #compile(): Promise<CompiledStep<I & InputSpecs, StepOutputs>> {
    const { inputs, optimizer } = this.#options;
    const scalars = Object.fromEntries(optimizer.scalars(1).map((_, i) => [`scalar_${i}`, { shape: [] }]));
    return compileStep<I & InputSpecs, StepOutputs>({ ...inputs, ...scalars }, (given) => this.#program(given));
  }

  *#program(given: Inputs<I & InputSpecs>): InParts<StepProgram<StepOutputs>> {
    const { optimizer, loss: lossOf, clipNorm, ema = 0 } = this.#options;
    const scalars = optimizer.scalars(1).map((_, i) => given[`scalar_${i}`]!);
    const loss = lossOf(given);
    yield;
    const raw = yield* gradientsInParts(
      loss,
      this.#parameters.map(([, p]) => p),
    );
    const clipped = clipNorm === undefined ? { gradients: raw, norm: globalNorm(raw) } : clipByNorm(raw, clipNorm);
    const updates = new Map<Tensor, Tensor>();
    for (const [i, [, parameter]] of this.#parameters.entries()) {
      yield;
      const slots = this.#slots[i]!;
      const gradient = clipped.gradients[i]!;
      const next = optimizer.update({ parameter, gradient, slots, scalars, decay: parameter.rank > 1 });
      updates.set(parameter, next.parameter);
      slots.forEach((slot, j) => {
        updates.set(slot, next.slots[j]!);
      });
      const average = this.#averages[i];
      if (average) updates.set(average, average.mul(ema).add(next.parameter.mul(1 - ema)));
    }
    return { outputs: { loss, norm: clipped.norm }, updates };
  }

  /** The model's tensors as training has them. */
  modelState(): Map<string, HostTensor> {
    return new Map([...this.model.stateDict()].map(([name, t]) => [name, storageOf(t)]));
  }

  /** The weights to use: the moving averages where there are any, else the parameters. */
  weights(): Map<string, HostTensor> {
    const weights = this.modelState();
    this.#parameters.forEach(([name], i) => {
      const average = this.#averages[i];
      if (average) weights.set(name, storageOf(average));
    });
    return weights;
  }

  /** Everything that a later run needs beside the model's own tensors, by name. */
  optimizerState(): Map<string, HostTensor> {
    return new Map([...this.#stateTensors()].map(([name, t]) => [name, storageOf(t)]));
  }

  /** Takes a saved state over. @throws Error naming what is missing or does not fit. */
  restore(step: number, model: ReadonlyMap<string, HostTensor>, optimizer: ReadonlyMap<string, HostTensor>): void {
    const tensors = this.#stateTensors();
    for (const [name, target] of tensors) {
      const saved = optimizer.get(name);
      if (saved?.data.length !== storageOf(target).data.length)
        throw new Error(`the optimizer's state has no fitting '${name}'; it was saved by another model or optimizer`);
    }
    this.model.loadStateDict(model);
    for (const [name, target] of tensors) storageOf(target).data.set(optimizer.get(name)!.data as never);
    this.step = step;
  }

  #stateTensors(): Map<string, Tensor> {
    const entries = this.#parameters.flatMap(([name], i) => [
      ...this.#options.optimizer.slots.map((slot, j) => [`${name}.${slot}`, this.#slots[i]![j]!] as const),
      ...(this.#averages[i] ? [[`${name}.ema`, this.#averages[i]] as const] : []),
    ]);
    return new Map(entries);
  }

  async dispose(): Promise<void> {
    await (await this.#compiled)?.dispose();
    this.#compiled = null;
  }
}

const like = (p: Tensor): Tensor => buffer(...p.shape.map((_, axis) => p.size(axis)));

function copyOf(p: Tensor): Tensor {
  const copy = like(p);
  storageOf(copy).data.set(storageOf(p).data as never);
  return copy;
}

const scalarTensor = (value: number): HostTensor => ({ dtype: 'float32', dims: [], data: Float32Array.of(value) });

/** A seed for one step: neighbouring steps share no pattern (the finalizer of MurmurHash3). */
function mixSeed(seed: number, step: number): number {
  let h = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(step + 1, 0xc2b2ae35);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) | 0;
}
