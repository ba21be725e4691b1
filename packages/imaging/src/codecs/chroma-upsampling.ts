/**
 * Components of fewer samples to the size of the image, as libjpeg does it by default ("fancy": each new sample three
 * quarters of the nearer and one quarter of the further old one), so that colours are the peers' to the last bit.
 */
import type { SamplePlane } from './jpeg-dct.ts';

/** Writes the plane to every `step`-th place of `out` from `first`, `rows * columns` samples. */
export function writeUpsampled(
  plane: SamplePlane,
  factor: { across: number; down: number },
  target: { out: Uint16Array; first: number; step: number; rows: number; columns: number },
): void {
  const { rows, columns, out, step } = target;
  const fancy = plane.columns > 2 && factor.across === 2;
  const line = new Uint16Array(Math.max(2 * plane.columns, columns));
  for (let row = 0; row < rows; row++) {
    if (fancy && factor.down === 1) doubledLine(plane, row, line);
    else if (fancy && factor.down === 2) doubledBothWays(plane, row, line);
    else repeatedLine(plane, Math.floor(row / factor.down), factor.across, line);
    let to = target.first + row * columns * step;
    for (let column = 0; column < columns; column++, to += step) out[to] = line[column]!;
  }
}

function repeatedLine({ samples, stride }: SamplePlane, row: number, across: number, line: Uint16Array): void {
  for (let column = 0; column < line.length; column++) {
    line[column] = samples[row * stride + Math.floor(column / across)]!;
  }
}

function doubledLine({ samples, stride, columns }: SamplePlane, row: number, line: Uint16Array): void {
  const from = row * stride;
  for (let column = 0; column < columns; column++) {
    const value = samples[from + column]!;
    const left = column === 0 ? value : (3 * value + samples[from + column - 1]! + 1) >> 2;
    const right = column === columns - 1 ? value : (3 * value + samples[from + column + 1]! + 2) >> 2;
    line[2 * column] = left;
    line[2 * column + 1] = right;
  }
}

function doubledBothWays({ samples, stride, rows, columns }: SamplePlane, row: number, line: Uint16Array): void {
  const near = row >> 1;
  const far = Math.min(Math.max(row & 1 ? near + 1 : near - 1, 0), rows - 1);
  const sum = (column: number): number => 3 * samples[near * stride + column]! + samples[far * stride + column]!;
  for (let column = 0; column < columns; column++) {
    const value = sum(column);
    line[2 * column] = column === 0 ? (4 * value + 8) >> 4 : (3 * value + sum(column - 1) + 8) >> 4;
    line[2 * column + 1] = column === columns - 1 ? (4 * value + 7) >> 4 : (3 * value + sum(column + 1) + 7) >> 4;
  }
}
