import type { DType } from '../dtype.ts';
import type { InParts } from '../slices.ts';
import { type Address, type CApi, readString } from './c-api.ts';
import type { ValueType } from './check-run.ts';
import { check, created, elementType, type Runtime } from './runtime.ts';

/** Names and element types of a session's inputs. @throws TypeError naming one whose type is not supported. */
export function inputTypes(runtime: Runtime, session: Address): InParts<ValueType[]> {
  const { inputCount, inputName, inputTypeInfo } = runtime.api;
  return describe(runtime, session, 'input', inputCount, inputName, inputTypeInfo);
}

/** As `inputTypes`, of the outputs. */
export function outputTypes(runtime: Runtime, session: Address): InParts<ValueType[]> {
  const { outputCount, outputName, outputTypeInfo } = runtime.api;
  return describe(runtime, session, 'output', outputCount, outputName, outputTypeInfo);
}

function* describe(
  { api, allocator }: Runtime,
  session: Address,
  what: string,
  count: CApi['run'],
  nameOf: CApi['run'],
  typeOf: CApi['run'],
): InParts<ValueType[]> {
  const total = Number(created(api, (out) => count(session, out)));
  const types: ValueType[] = [];
  for (let i = 0; i < total; i++) {
    yield;
    const address = created(api, (out) => nameOf(session, i, allocator, out));
    const name = readString(address);
    check(api, api.allocatorFree(allocator, address));
    const type = created(api, (out) => typeOf(session, i, out));
    try {
      types.push({ name, dtype: tensorType(api, type) });
    } catch (error) {
      throw new TypeError(`the model's ${what} '${name}': ${(error as Error).message}`, { cause: error });
    } finally {
      api.releaseTypeInfo(type);
    }
  }
  return types;
}

function tensorType(api: CApi, type: Address): DType {
  const info = created(api, (out) => api.castToTensorInfo(type, out)); // owned by the type
  if (info === 0n) throw new TypeError('it is a sequence, map or optional; only tensors are supported');
  return elementType(api, info);
}
