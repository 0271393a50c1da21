import { FileError } from '../file-error.ts';

/** A checkpoint file that cannot be read, trusted, understood or written. */
export class CheckpointError extends FileError {}
