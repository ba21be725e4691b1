/** Writes a crate file by file, so that a data set of any size needs the memory of one case; metadata and manifest last. */
import { createHash, type KeyObject } from 'node:crypto';
import { type FileSink, jsonBytes, utf8 } from '../file-tree.ts';
import type { About } from './about.ts';
import type { CrateFile } from './crate-file.ts';
import { cratePreview } from './crate-preview.ts';
import { type CrateDescription, type DescribedFile, metadataPath, previewPath, roCrateMetadata } from './ro-crate.ts';
import { manifestPath, type SignedManifest, signManifest } from './signed-manifest.ts';

export class CrateWriter {
  readonly #sink: FileSink;
  readonly #files: DescribedFile[] = [];

  constructor(sink: FileSink) {
    this.#sink = sink;
  }

  async add({ bytes, ...file }: CrateFile): Promise<void> {
    await this.#sink.write(file.path, bytes);
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    this.#files.push({ ...file, sizeBytes: bytes.length, sha256 });
  }

  /** What was added, in order of paths. */
  get files(): readonly DescribedFile[] {
    return this.#files.toSorted((one, other) => (one.path < other.path ? -1 : 1));
  }

  async finish(
    description: Omit<CrateDescription, 'files'> & { readonly about: About },
    key: KeyObject,
  ): Promise<SignedManifest> {
    const whole: CrateDescription = { ...description, files: this.files };
    const last = [
      [metadataPath, jsonBytes(roCrateMetadata(whole))],
      [previewPath, utf8(cratePreview(whole))],
    ] as const;
    const listed = this.files.map(({ path, sizeBytes, sha256 }) => [path, { bytes: sizeBytes, sha256 }] as const);
    const own = last.map(([path, bytes]) => {
      return [path, { bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') }] as const;
    });
    for (const [path, bytes] of last) await this.#sink.write(path, bytes);
    const { title: name, version } = description.about;
    const manifest = signManifest({ name, version, files: Object.fromEntries([...listed, ...own]) }, key);
    await this.#sink.write(manifestPath, jsonBytes(manifest));
    return manifest;
  }
}
