import type { PickleValue } from './pickle.ts';
import type { TorchStorage } from './torch-globals.ts';
import type { StorageBytes } from './torch-view.ts';

/** The values of a file, and where its storages are. */
export interface TorchFile {
  readonly value: PickleValue;
  /** The place of a storage's run of elements, or null where the file lacks it. */
  readonly storage: (storage: TorchStorage) => StorageBytes | null;
  readonly bigEndian: boolean;
}
