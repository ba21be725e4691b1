/** The figures of docs/privacy.md. */
import type { Inversion } from './inversion.ts';
import type { Utility } from './utility.ts';

const font = 'font-family="system-ui, sans-serif" font-size="12" fill="#1c2430"';

/** Dice against ε on a logarithmic axis, a line for each size of site; what is possible without noise is dashed. */
export function utilityFigure(results: readonly Utility[]): string {
  const [width, height, left, bottom] = [560, 300, 50, 250];
  const x = (epsilon: number) => left + ((Math.log2(epsilon) + 0.5) / 8) * (width - left - 20);
  const y = (dice: number) => bottom - dice * 218;
  const colours: Readonly<Record<number, string>> = { 12: '#d55e00', 48: '#0072b2' };
  const parts: string[] = [];
  for (const dice of [0, 0.2, 0.4, 0.6, 0.8, 1]) {
    parts.push(`<path d="M${left} ${y(dice)}H${width - 10}" stroke="#d5dae1"/>`);
    parts.push(`<text x="${left - 8}" y="${y(dice) + 4}" text-anchor="end" ${font}>${dice}</text>`);
  }
  for (const epsilon of [1, 2, 4, 8, 16, 32, 64, 128]) {
    parts.push(`<text x="${x(epsilon)}" y="${bottom + 18}" text-anchor="middle" ${font}>${epsilon}</text>`);
  }
  for (const [row, [size, colour]] of Object.entries(colours).entries()) {
    const own = results.filter(({ patientsPerSite }) => patientsPerSite === Number(size));
    const points = own.flatMap(({ protection, epsilon, dice }) =>
      protection === 'dp-sgd' && epsilon !== null ? [[x(epsilon), y(dice)] as const] : [],
    );
    const open = own.find(({ protection }) => protection === 'none')!.dice;
    parts.push(`<path d="M${left} ${y(open)}H${width - 10}" stroke="${colour}" stroke-dasharray="5 4"/>`);
    parts.push(`<polyline points="${points.join(' ')}" fill="none" stroke="${colour}" stroke-width="2"/>`);
    for (const [cx, cy] of points) parts.push(`<circle cx="${cx}" cy="${cy}" r="4" fill="${colour}"/>`);
    parts.push(`<circle cx="${width - 190}" cy="${bottom - 40 + 18 * row}" r="4" fill="${colour}"/>`);
    parts.push(
      `<text x="${width - 180}" y="${bottom - 36 + 18 * row}" ${font}>${size} patients at each of 6 sites</text>`,
    );
  }
  parts.push(
    `<text x="${(left + width) / 2}" y="${height - 6}" text-anchor="middle" ${font}>ε of a patient (δ = 0.001); dashed: without noise</text>`,
  );
  parts.push(`<text x="8" y="14" ${font}>Dice of patients never seen</text>`);
  return svg(width, height, parts);
}

/** The middle slice of the patch, and what was reconstructed of it from each contribution. */
export function inversionFigure(results: readonly Inversion[]): string {
  const pixel = 9;
  const tile = 16 * pixel;
  const perRow = 4;
  const parts = results.map(({ name, correlation, slice }, index) => {
    const [left, top] = [(index % perRow) * (tile + 12), Math.floor(index / perRow) * (tile + 44)];
    const told = correlation === null ? '' : ` r = ${correlation.toFixed(2)}`;
    return `<g transform="translate(${left} ${top})"><image width="${tile}" height="${tile}" style="image-rendering:pixelated" href="${bitmap(slice)}"/><text y="${tile + 15}" ${font}>${name}</text><text y="${tile + 30}" ${font}>${told}</text></g>`;
  });
  return svg(perRow * (tile + 12), Math.ceil(results.length / perRow) * (tile + 44), parts);
}

/** 16 x 16 grey values as a bitmap in a data URI, from the darkest to the brightest. */
function bitmap(slice: readonly number[]): string {
  const low = Math.min(...slice);
  const high = Math.max(...slice);
  const offset = 14 + 40 + 1024;
  const bytes = Buffer.alloc(offset + 256);
  bytes.write('BM');
  bytes.writeUInt32LE(bytes.length, 2);
  bytes.writeUInt32LE(offset, 10);
  bytes.writeUInt32LE(40, 14);
  bytes.writeInt32LE(16, 18);
  bytes.writeInt32LE(-16, 22); // top row first
  bytes.writeUInt16LE(1, 26);
  bytes.writeUInt16LE(8, 28);
  bytes.writeUInt32LE(256, 46);
  for (let grey = 0; grey < 256; grey++) bytes.writeUInt32LE(grey * 0x010101, 54 + 4 * grey);
  slice.forEach((value, index) => {
    bytes[offset + index] = Math.round((255 * (value - low)) / (high - low || 1));
  });
  return `data:image/bmp;base64,${bytes.toString('base64')}`;
}

function svg(width: number, height: number, parts: readonly string[]): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}"><rect width="100%" height="100%" fill="#ffffff"/>${parts.join('\n')}</svg>\n`;
}
