export { type Compression, type EncodingOptions, type FileLine, type FilesOptions, files } from './files.ts';
export { type GlobOptions, glob } from './glob.ts';
export { type IntoFileOptions, intoFile } from './into-file.ts';
export { type LiveLineOptions, liveLine, stagesAsText } from './live-line.ts';
export { type Progress, resumeFrom, type SaveProgressOptions, saveProgress } from './progress.ts';
export { toNodeReadable } from './readable.ts';
export { progressOf, type ResumableFileOptions, resumableFile } from './resumable-file.ts';
export { type TailOptions, tail } from './tail.ts';
export { type IntoWritableOptions, intoWritable } from './writable.ts';
