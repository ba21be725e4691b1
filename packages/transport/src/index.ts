export { ChunkDirectory, type ChunkDirectoryOptions } from './chunk-directory.ts';
export { type DurableFileOptions, makeDirectory, writeDurably } from './durable-file.ts';
export { wallClockMs } from './ports/wall-clock.ts';
export { storageError } from './storage-error.ts';
export { TransportError } from './transport-error.ts';
