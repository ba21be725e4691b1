/** Hospitals with a few tiny cases, written to a directory of the test's own. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { encodeNifti, type Geometry, type Triple } from '@consilium/imaging';

export class ToyDirectory implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), 'consilium-site-'));

  /** Writes an empty or given file, making its directories. */
  file(name: string, content: string | Uint8Array = ''): string {
    const path = join(this.path, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
    return path;
  }

  /** A case of 8 x 8 x 8 voxels of 2 mm with a block of class 1. */
  toyCase(directory: string, changes: { labelSize?: Triple; empty?: boolean; reference?: boolean } = {}): void {
    this.file(`${directory}/image.nii.gz`, encodeNifti(toyVolume(() => 40)));
    const label = toyVolume((index) => (changes.empty !== true && index % 8 > 3 ? 1 : 0), changes.labelSize);
    this.file(`${directory}/label.nii.gz`, encodeNifti(label));
    if (changes.reference === true) this.file(`${directory}/reference.nii.gz`, encodeNifti(toyVolume(() => 2)));
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true });
  }
}

export function toyVolume(value: (index: number) => number, size: Triple = [8, 8, 8]) {
  const geometry: Geometry = {
    size,
    spacingMm: [2, 2, 2],
    originMm: [0, 0, 0],
    axes: [
      [0, 0, 1],
      [0, 1, 0],
      [1, 0, 0],
    ],
  };
  const voxels = Int16Array.from({ length: size[0] * size[1] * size[2] }, (_, index) => value(index));
  return { geometry, voxels };
}
