/**
 * Pictures of made-up patients, for the README and for whoever changes the anatomy: one study a site at window 40/400,
 * with the site's contours (kidney green, tumour red, cyst blue); `views` 2 puts the bare slice above.
 *
 *   node --conditions=consilium-source packages/phantom/recording/montage.ts \
 *     [file.png] [small|full] [seed] [study] [tile's pixels] [views]
 */
import { writeFileSync } from 'node:fs';
import { PNG } from 'pngjs';
import { makeStudy, type PhantomStudy, siteProfiles } from '../src/index.ts';

const [file = 'docs/pictures/phantom.png', detail = 'full', seed = '61', study = '3', tile = '290', views = '1'] =
  process.argv.slice(2);
const tilePixels = Number(tile);
const columns = 3;
const colours: Record<number, readonly [number, number, number]> = {
  1: [60, 220, 90],
  2: [255, 70, 60],
  3: [80, 170, 255],
};

/** 5 x 7 letters, a row in two hexadecimal digits, enough for a caption. */
const letters: Record<string, string> = {
  A: '0e11111f111111',
  B: '1e11111e11111e',
  C: '0e11101010110e',
  D: '1e11111111111e',
  E: '1f10101e10101f',
  H: '1111111f111111',
  I: '0e04040404040e',
  L: '1010101010101f',
  M: '111b1515111111',
  N: '11191513111111',
  O: '0e11111111110e',
  P: '1e11111e101010',
  R: '1e11111e141211',
  S: '0f10100e01011e',
  T: '1f040404040404',
  U: '1111111111110e',
  V: '11111111110a04',
  Y: '11110a04040404',
  '.': '0000000000000c',
};

main();

function main(): void {
  const rows = Math.ceil(siteProfiles.length / columns);
  const height = Math.round(tilePixels * 0.74);
  const png = new PNG({ width: columns * tilePixels, height: rows * Number(views) * height });
  for (const [siteIndex, profile] of siteProfiles.entries()) {
    const started = process.cpuUsage();
    const made = makeStudy({
      seed: Number(seed),
      siteIndex,
      studyIndex: Number(study),
      detail: detail as 'small' | 'full',
    });
    const used = process.cpuUsage(started);
    const left = (siteIndex % columns) * tilePixels;
    const top = Math.floor(siteIndex / columns) * Number(views) * height;
    const slice = mostTumour(made);
    if (views === '2') drawSlice(png, { left, top, height }, made, { slice, contours: false });
    drawSlice(png, { left, top: top + (Number(views) - 1) * height, height }, made, { slice, contours: true });
    write(png, left + 6, top + 6, `SYNTHETIC. ${profile.name.toUpperCase()}`);
    const { phase, kvp, bodyMassIndex, tumours, cysts, sex, ageYears } = made.info;
    console.log(
      profile.name,
      `${((used.user + used.system) / 1e6).toFixed(2)} s`,
      made.image.geometry.size.join('x'),
      phase,
      kvp,
      `BMI ${bodyMassIndex} ${sex} ${ageYears}`,
      tumours.map((t) => `${t.subtype} ${t.diameterMm} mm ${t.volumeMl} ml`).join('; '),
      `${cysts.length} cysts`,
    );
  }
  writeFileSync(file, PNG.sync.write(png, { colorType: 2, deflateLevel: 9 }));
}

function mostTumour({ reference }: PhantomStudy): number {
  const [slices, rows, across] = reference.geometry.size;
  const area = rows * across;
  let best = Math.floor(slices / 2);
  let most = 0;
  for (let k = 0; k < slices; k++) {
    let count = 0;
    for (let at = k * area; at < (k + 1) * area; at++) if (reference.voxels[at] === 2) count++;
    if (count > most) [most, best] = [count, k];
  }
  return best;
}

function drawSlice(
  png: PNG,
  place: { readonly left: number; readonly top: number; readonly height: number },
  { image, label }: PhantomStudy,
  view: { readonly slice: number; readonly contours: boolean },
): void {
  const [, rows, across] = image.geometry.size;
  const body = bodyOf(image, view.slice);
  const scale = Math.max(body.width / tilePixels, body.height / place.height);
  const at = (x: number, y: number): number => (view.slice * rows + y) * across + x;
  const classAt = (i: number, j: number): number => {
    const x = Math.floor((i - tilePixels / 2) * scale + body.x);
    const y = Math.floor((j - place.height / 2) * scale + body.y);
    return x < 0 || y < 0 || x >= across || y >= rows ? 0 : (label.voxels[at(x, y)] ?? 0);
  };
  for (let j = 0; j < place.height; j++) {
    for (let i = 0; i < tilePixels; i++) {
      const fx = (i + 0.5 - tilePixels / 2) * scale + body.x - 0.5;
      const fy = (j + 0.5 - place.height / 2) * scale + body.y - 0.5;
      const x = Math.floor(fx);
      const y = Math.floor(fy);
      let grey = 0;
      if (x >= 0 && y >= 0 && x + 1 < across && y + 1 < rows) {
        const [u, v] = [fx - x, fy - y];
        const hu =
          (1 - v) * ((1 - u) * (image.voxels[at(x, y)] ?? 0) + u * (image.voxels[at(x + 1, y)] ?? 0)) +
          v * ((1 - u) * (image.voxels[at(x, y + 1)] ?? 0) + u * (image.voxels[at(x + 1, y + 1)] ?? 0));
        // 32 greys: half the size of 256, and the eye sees no difference.
        grey = Math.min(255, 8 * Math.round(Math.max(0, ((hu + 160) / 400) * 32)));
      }
      let colour: readonly [number, number, number] = [grey, grey, grey];
      if (view.contours) {
        const here = classAt(i, j);
        if (
          here > 0 &&
          [classAt(i + 1, j), classAt(i - 1, j), classAt(i, j + 1), classAt(i, j - 1)].some((next) => next !== here)
        )
          colour = colours[here] ?? colour;
      }
      put(png, place.left + i, place.top + j, colour);
    }
  }
}

/** The middle and extent, in pixels, of what is denser than air, with a small margin. */
function bodyOf(
  { geometry, voxels }: PhantomStudy['image'],
  slice: number,
): { x: number; y: number; width: number; height: number } {
  const [, rows, across] = geometry.size;
  let [left, right, top, bottom] = [across, 0, rows, 0];
  for (let y = 0; y < rows; y++) {
    for (let x = 0; x < across; x++) {
      if ((voxels[(slice * rows + y) * across + x] ?? 0) < -300) continue;
      [left, right, top, bottom] = [Math.min(left, x), Math.max(right, x), Math.min(top, y), Math.max(bottom, y)];
    }
  }
  return {
    x: (left + right) / 2,
    y: (top + bottom) / 2,
    width: 1.03 * (right - left + 1),
    height: 1.03 * (bottom - top + 1),
  };
}

function write(png: PNG, left: number, top: number, text: string): void {
  for (const [index, letter] of [...text].entries()) {
    for (const [row, bits] of (letters[letter]?.match(/../g) ?? []).entries()) {
      for (let column = 0; column < 5; column++) {
        if (((Number.parseInt(bits, 16) >> (4 - column)) & 1) === 0) continue;
        const [x, y] = [left + 2 * (index * 6 + column), top + 2 * row];
        for (const [dx, dy] of [
          [0, 0],
          [1, 0],
          [0, 1],
          [1, 1],
        ] as const)
          put(png, x + dx, y + dy, [255, 210, 60]);
      }
    }
  }
}

function put(png: PNG, x: number, y: number, colour: readonly [number, number, number]): void {
  const at = (y * png.width + x) * 4;
  png.data.set([...colour, 255], at);
}
