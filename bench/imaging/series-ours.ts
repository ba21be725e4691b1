/** Our side of series.ts: the files of a directory to one volume; prints checksum, CPU time and peak memory as JSON. */
import { closeSync, openSync, readdirSync, readFileSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type InstanceSource, loadVolume, readVolumes } from '@consilium/imaging';

function fileSource(path: string): InstanceSource {
  const readInto = (out: Uint8Array, start: number): number => {
    const file = openSync(path, 'r');
    try {
      return readSync(file, out, 0, out.length, start);
    } finally {
      closeSync(file);
    }
  };
  return {
    byteLength: statSync(path).size,
    read: (range) => {
      if (range === undefined) return readFileSync(path);
      const bytes = new Uint8Array(range.end - range.start);
      return bytes.subarray(0, readInto(bytes, range.start));
    },
    readInto,
  };
}

const [directory] = process.argv.slice(2);
const sources = readdirSync(directory!).map((name) => fileSource(join(directory!, name)));
const { volumes } = await readVolumes(sources);
const { image } = await loadVolume(volumes[0]!, sources);
// Every 997th voxel: enough to see that all read the same, too little to be measured.
let sum = 0;
for (let at = 0; at < image.voxels.length; at += 997) sum += image.voxels[at]!;
const { user, system } = process.cpuUsage();
const peakKb = Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? 0);
console.log(
  JSON.stringify({ sum, slices: image.geometry.size[0], cpuMs: (user + system) / 1000, peakBytes: peakKb * 1024 }),
);
