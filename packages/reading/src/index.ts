export { type App, checkApp } from './apps/app-folder.ts';
export { newApp } from './apps/app-template.ts';
export type { Asker } from './asker.ts';
export { type MonaiLabelExtensionOptions, monaiLabelExtension } from './monai-label/monai-label-extension.ts';
export { type MonaiLabelSettings, monaiLabelSettingsOf } from './monai-label/monai-label-settings.ts';
export { ReadingError } from './reading-error.ts';
export { ReadingRoom, type ReadingRoomOptions } from './reading-room.ts';
export { type ReadingExtensionOptions, readingExtension } from './service/reading-extension.ts';
