export type { Asker } from './asker.ts';
export { ReadingError } from './reading-error.ts';
export { ReadingRoom, type ReadingRoomOptions } from './reading-room.ts';
export { type ReadingExtensionOptions, readingExtension } from './service/reading-extension.ts';
