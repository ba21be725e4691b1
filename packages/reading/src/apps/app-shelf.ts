/** The apps that a reading room offers: those that come with Consilium, and those of the folders in the archive's settings. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ReadingError } from '../reading-error.ts';
import { type App, readApp } from './app-folder.ts';

/** Beside the sources and beside what is built of them. */
const shippedFolder = fileURLToPath(new URL('../../apps', import.meta.url));

export class AppShelf {
  readonly #apps: ReadonlyMap<string, App>;

  private constructor(apps: ReadonlyMap<string, App>) {
    this.#apps = apps;
  }

  /**
   * One that cannot be read is left out, and told of: the archive takes in studies all the same.
   * @param folders each of an app. One that is named as a shipped one takes its place.
   */
  static async open(folders: readonly string[], onTrouble: (error: unknown) => void = () => {}): Promise<AppShelf> {
    const shipped = (await readdir(shippedFolder)).sort().map((name) => join(shippedFolder, name));
    const apps = new Map<string, App>();
    for (const folder of shipped) {
      const app = await readApp(folder);
      apps.set(app.declaration.name, app);
    }
    const own = new Set<string>();
    for (const folder of folders) {
      try {
        const app = await readApp(folder);
        const { name } = app.declaration;
        if (own.has(name)) {
          throw new ReadingError('reading.app-twice', `Two folders hold an app named "${name}".`, { detail: folder });
        }
        own.add(name);
        apps.set(name, app);
      } catch (error) {
        onTrouble(error);
      }
    }
    return new AppShelf(apps);
  }

  /** By name. */
  list(): readonly App[] {
    return [...this.#apps.values()].sort((one, other) => (one.declaration.name < other.declaration.name ? -1 : 1));
  }

  /** @throws ReadingError `reading.app-unknown` */
  get(name: string): App {
    const app = this.#apps.get(name);
    if (app === undefined) throw new ReadingError('reading.app-unknown', 'There is no app of this name here.');
    return app;
  }
}
