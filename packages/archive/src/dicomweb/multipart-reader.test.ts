import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ArchiveError } from '../archive-error.ts';
import { boundaryOf, readMultipart } from './multipart-reader.ts';
import { writeMultipart } from './multipart-writer.ts';

const partBytesMax = 4096;

async function* chunksOf(bytes: Buffer, cuts: readonly number[] = []): AsyncGenerator<Buffer> {
  const at = [...new Set([0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length])].sort((a, b) => a - b);
  for (let index = 0; index + 1 < at.length; index++) yield bytes.subarray(at[index], at[index + 1]);
}

async function read(bytes: Buffer, cuts?: readonly number[]): Promise<Buffer[]> {
  const parts: Buffer[] = [];
  for await (const part of readMultipart(chunksOf(bytes, cuts), 'b-0', { partBytesMax })) parts.push(part.takeBytes());
  return parts;
}

async function written(parts: readonly Uint8Array[]): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  const source = (async function* () {
    for (const bytes of parts) yield { contentType: 'application/dicom', bytes };
  })();
  for await (const piece of writeMultipart(source, 'b-0')) pieces.push(piece);
  return Buffer.concat(pieces);
}

/** Bytes in which much looks like the beginning of a boundary. */
const trickyBytes = fc
  .array(fc.constantFrom('\r', '\n', '\r\n', '--', '\r\n--', '\r\n--b', '\r\n--b-', 'b-0', 'x'), { maxLength: 40 })
  .map((pieces) => Buffer.from(pieces.join('').replaceAll('\r\n--b-0', '\r\n--b-1')));

describe('a multipart body', () => {
  it('gives back the parts that were written, however it is cut', async () => {
    const cuts = fc.array(fc.nat(5000), { maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(fc.array(trickyBytes, { maxLength: 5 }), cuts, async (parts, cutsAt) => {
        expect((await read(await written(parts), cutsAt)).map(String)).toEqual(parts.map(String));
      }),
    );
  });

  it('may have a preamble, spaces after a boundary, and no line end at its end', async () => {
    expect((await read(Buffer.from('hello\r\n--b-0  \r\nA: b\r\n\r\none\r\n--b-0--'))).map(String)).toEqual(['one']);
  });

  it('gives whole parts or an error, wherever it breaks off', async () => {
    const parts = ['one', 'two two', 'three'].map((text) => Buffer.from(text));
    const body = await written(parts);
    for (let end = 0; end < body.length - 4; end++) {
      const got: string[] = [];
      const error = await (async () => {
        for await (const { takeBytes } of readMultipart(chunksOf(body.subarray(0, end)), 'b-0', { partBytesMax }))
          got.push(String(takeBytes()));
      })().catch((reason: unknown) => reason);
      expect(error).toMatchObject({ code: 'archive.multipart-malformed' });
      expect(got).toEqual(parts.map(String).slice(0, got.length));
    }
  });

  it('with damage is read or refused, by our errors only, and holds no more than it may', async () => {
    const body = await written([Buffer.alloc(200, 'a'), Buffer.alloc(300, 'b')]);
    const damage = fc.array(fc.tuple(fc.nat(body.length - 1), fc.nat(255)), { minLength: 1, maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(damage, async (changes) => {
        const damaged = Buffer.from(body);
        for (const [at, value] of changes) damaged[at] = value;
        await read(damaged).catch((error: unknown) => expect(error).toBeInstanceOf(ArchiveError));
      }),
    );
    await expect(read(await written([Buffer.alloc(partBytesMax + 1)]))).rejects.toMatchObject({
      code: 'archive.part-too-large',
    });
    const endlessHeaders = Buffer.from(`--b-0\r\n${'X: y\r\n'.repeat(10_000)}`);
    await expect(read(endlessHeaders)).rejects.toMatchObject({ code: 'archive.multipart-malformed' });
  });

  it('is known by its Content-Type', () => {
    expect(boundaryOf('multipart/related; type="application/dicom"; boundary=abc')).toBe('abc');
    expect(boundaryOf('Multipart/Related; boundary="a b;c"; type=x')).toBe('a b;c');
    for (const other of ['multipart/form-data; boundary=x', 'multipart/related; type=x', 'application/dicom', '']) {
      expect(boundaryOf(other)).toBe(undefined);
    }
  });
});
