/** Our side of resample.ts: resamples each time it is asked; prints milliseconds of CPU and a checksum as JSON lines. */
import { createInterface } from 'node:readline';
import { axisAligned, resampleImage, respaced } from '@consilium/imaging';

const geometry = axisAligned({ size: [100, 512, 512], spacingMm: [3, 0.75, 0.75] });
const voxels = new Int16Array(100 * 512 * 512);
for (let at = 0; at < voxels.length; at++) voxels[at] = ((at * 7919) % 3000) - 1000;
const even = respaced(geometry, [1.5, 1.5, 1.5]);
// Turned by 0.1 radian about the axis of the patient.
const [c, s] = [Math.cos(0.1), Math.sin(0.1)];
const turned = { ...even, axes: [[0, 0, 1] as const, [-s, c, 0] as const, [c, s, 0] as const] as const };

console.log('ready');
for await (const line of createInterface({ input: process.stdin })) {
  const before = process.cpuUsage();
  const { voxels: result } = resampleImage({ geometry, voxels }, line === 'aligned' ? even : turned);
  const { user, system } = process.cpuUsage(before);
  let sum = 0;
  for (let at = 0; at < result.length; at += 997) sum += result[at]!;
  console.log(JSON.stringify({ ms: (user + system) / 1000, mean: sum / Math.ceil(result.length / 997) }));
}
