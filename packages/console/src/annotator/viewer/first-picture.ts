/**
 * The first slice that has come, at once: hundreds of megabytes are on their way to the graphics card before the planes are
 * there, and a reader has something to look at meanwhile.
 */
import type { CaseVolume } from '../case/case-volume.ts';
import { firstWindow } from './grey-window.ts';

/** Of axes that lie as those of an axial series do. */
const alongMin = 0.9;

/** Paints nothing if the slices are not axial: they would lie otherwise than in the planes that follow. */
export function paintFirst(canvas: HTMLCanvasElement, { geometry, received, voxels }: CaseVolume): void {
  const { axes, size, spacingMm } = geometry;
  const slices = received[0];
  const context = canvas.getContext('2d');
  if (slices === undefined || context === null || axes[2][0] < alongMin || axes[1][1] < alongMin) return;
  const [, rows, columns] = size;
  const at = Math.floor((slices.from + slices.to) / 2) * rows * columns;
  const slice = voxels.subarray(at, at + rows * columns);
  const { centre, width } = firstWindow(slice);
  const picture = new ImageData(columns, rows);
  for (let pixel = 0; pixel < slice.length; pixel++) {
    const grey = (255 * (slice[pixel]! - centre + width / 2)) / width;
    // Clamped by the array itself.
    picture.data.set([grey, grey, grey, 255], pixel * 4);
  }
  canvas.width = columns;
  canvas.height = rows;
  canvas.style.aspectRatio = `${columns * spacingMm[2]} / ${rows * spacingMm[1]}`;
  context.putImageData(picture, 0, 0);
}
