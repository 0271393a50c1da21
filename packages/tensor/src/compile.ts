import type { HostTensor, Session } from './backend/backend.ts';
import { type BackendChoice, chooseBackend } from './backend/select.ts';
import { type Feeds, type InputSpecs, type Inputs, orderFeeds, placeholders } from './feeds.ts';
import { lowerModel } from './lowering/lower.ts';
import { encodeModel } from './onnx/encode.ts';
import type { Tensor } from './tensor.ts';
import { inference, within } from './trace.ts';

export type Outputs = Readonly<Record<string, Tensor>>;
export type Results<O> = { readonly [K in keyof O]: HostTensor };

/** A graph compiled for inference: parameters are baked in as they were, so the runtime can pack and fuse them. */
export class Compiled<I extends InputSpecs, O extends Outputs> {
  readonly #specs: I;
  readonly #outputs: readonly string[];
  readonly #session: Session;

  constructor(specs: I, outputs: readonly string[], session: Session) {
    this.#specs = specs;
    this.#outputs = outputs;
    this.#session = session;
  }

  /**
   * Runs the graph off the event loop.
   * @param into tensors that outputs are written to, of the shape that they will have.
   * @throws ShapeError naming the input that is missing or does not fit.
   */
  async run(feeds: Feeds<I>, into?: { readonly [K in keyof O]?: HostTensor }): Promise<Results<O>> {
    const given = into && this.#outputs.map((name) => into[name] ?? null);
    const results = await this.#session.run(orderFeeds(this.#specs, feeds), given);
    return Object.fromEntries(this.#outputs.map((name, i) => [name, results[i]])) as Results<O>;
  }

  /** Releases the native session, once running work is done. */
  dispose(): Promise<void> {
    return this.#session.dispose();
  }
}

/**
 * Traces `build` for inference and writes it as an ONNX model (an .onnx file), with the parameters of now as initializers; inputs
 * and outputs have the names given here, symbolic sizes are named axes. Opset 21 and, for fused kernels, operators of
 * ONNX Runtime (`com.microsoft`).
 * @throws TypeError where an output has the name of an input; RangeError past 2 GiB.
 */
export function exportONNX<I extends InputSpecs>(
  specs: I,
  build: (inputs: Inputs<I>) => Outputs,
): Uint8Array<ArrayBuffer> {
  return trace(specs, build, (name) => {
    if (Object.hasOwn(specs, name)) throw new TypeError(`exportONNX: '${name}' is an input and an output; rename one`);
    return name;
  }).model;
}

/**
 * Compiles an inference graph.
 * @param specs names, shapes and types of the inputs; a symbolic size (`symbol('B')`) serves every size.
 * @param build computes the outputs from the inputs; it runs once.
 */
export async function compile<I extends InputSpecs, O extends Outputs>(
  specs: I,
  build: (inputs: Inputs<I>) => O,
  { backend, inPlace = {}, ...options }: BackendChoice = {},
): Promise<Compiled<I, O>> {
  const { model, names } = trace(specs, build, (name) => `out_${name}`);
  const engine = await chooseBackend(backend);
  const own = Object.fromEntries(Object.entries(inPlace).map(([output, place]) => [`out_${output}`, place]));
  return new Compiled<I, O>(specs, names, await engine.createSession(model, { ...options, inPlace: own }));
}

function trace<I extends InputSpecs>(
  specs: I,
  build: (inputs: Inputs<I>) => Outputs,
  outputName: (name: string) => string,
): { model: Uint8Array<ArrayBuffer>; names: string[] } {
  const inputs = placeholders(specs);
  const outputs = within(inference, () => build(inputs));
  const named = Object.entries(outputs).map(([name, tensor]) => ({ name: outputName(name), tensor }));
  const feeds = Object.entries(inputs).map(([name, tensor]) => ({ name, tensor }));
  return { model: encodeModel(lowerModel(feeds, named)), names: Object.keys(outputs) };
}
