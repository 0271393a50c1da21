export { type FileLine, type FilesOptions, files } from './files.ts';
export { type Progress, progressOf, type ResumableFileOptions, resumableFile } from './resumable-file.ts';
export { intoWritable } from './writable.ts';
