/** What a browser's files are told to be before they are sent. How they are sent, the test of the console shows. */
import { unzipSync } from 'fflate';
import { describe, expect, it, vi } from 'vitest';
import { plannedFile } from './upload-plan.ts';
import { uploadQueue } from './upload-queue.ts';
import { volumeZip } from './volume-zip.ts';

const preamble = new Uint8Array(132);
preamble.set(new TextEncoder().encode('DICM'), 128);

describe('a file of a browser', () => {
  it.each([
    ['CD/DICOMDIR', preamble, 'ignored'],
    ['CD/IM0001', preamble, 'dicom'],
    ['old/export', new Uint8Array([8, 0, 5, 0, 0, 0, 0, 0, 0]), 'dicom'],
    ['.hidden/IM0001', preamble, 'ignored'],
    ['notes.txt', new TextEncoder().encode('Hello, this is a text.'), 'ignored'],
    ['empty', new Uint8Array(0), 'ignored'],
    ['case/image.nii.gz', new Uint8Array(3), 'volume'],
    ['case/case.json', new Uint8Array(3), 'volume'],
    ['study.ZIP', new Uint8Array(3), 'zip'],
  ] as const)('%s is known for what it is', async (path, bytes, kind) => {
    expect((await plannedFile({ path, file: new Blob([bytes]) })).kind).toBe(kind);
  });
});

describe('volumes', () => {
  it('are sent together, each under its path and with its bytes', async () => {
    const bytes = Uint8Array.from({ length: 100_000 }, (_, at) => (at * 7919) % 251);
    const files = [
      { path: 'case/image.nii.gz', file: new Blob([bytes]) },
      { path: 'case/label.nii.gz', file: new Blob([bytes.slice(0, 10)]) },
    ];
    const zip = unzipSync(new Uint8Array(await (await volumeZip(files, new AbortController().signal)).arrayBuffer()));
    expect(Object.keys(zip)).toEqual(['case/image.nii.gz', 'case/label.nii.gz']);
    expect(Buffer.from(zip['case/image.nii.gz']!).equals(Buffer.from(bytes))).toBe(true);
  });

  it('of more than a zip holds are not begun, and the list says why', async () => {
    vi.stubGlobal('requestAnimationFrame', (work: () => void) => work());
    const huge = { size: 5_000_000_000 } as Blob;
    await uploadQueue.add([{ path: 'huge.nii.gz', file: huge }]);
    expect(uploadQueue.uploads()).toMatchObject([{ outcome: 'refused', code: 'console.volumes-too-large' }]);
    uploadQueue.clear();
    expect(uploadQueue.uploads()).toEqual([]);
    vi.unstubAllGlobals();
  });
});
