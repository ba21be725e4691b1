/** `publication.yaml` in a coordinator's directory: what the project's people say of the model that they give away. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeDurably } from '@consilium/transport';
import { parse, stringify } from 'yaml';
import { type Publication, publicationSchema } from './publication-schema.ts';

export class PublicationFile {
  readonly path: string;

  constructor(directory: string) {
    this.path = join(directory, 'publication.yaml');
  }

  /** null if there is none, or it was changed by hand into something else. */
  async read(): Promise<Publication | null> {
    const text = await readFile(this.path, 'utf8').catch(() => '');
    try {
      return publicationSchema.safeParse(parse(text)).data ?? null;
    } catch {
      return null;
    }
  }

  async write(publication: Publication): Promise<void> {
    await writeDurably(this.path, stringify(publication));
  }
}
