/** JPEG's DCT processes (ITU-T T.81 annexes F and G): coefficients out of sequential and progressive scans, to samples. */
import { inverseDct } from './inverse-dct.ts';
import { damagedJpeg, type HuffmanTable, JpegBits } from './jpeg-bits.ts';
import type { JpegComponent, JpegFrame, JpegScan } from './jpeg-frame.ts';

/** Place in the block, row by row, of the n-th coefficient in zigzag order. */
const zigzag = Uint8Array.from([
  0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14, 21, 28,
  35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47,
  55, 62, 63,
]);

/** The coefficients of one component; blocks reach to whole MCUs. */
interface Plane {
  readonly component: JpegComponent;
  /** Blocks that hold image, and those in memory. */
  readonly blocksAcross: number;
  readonly blocksDown: number;
  readonly blocksPerLine: number;
  readonly blocksPerColumn: number;
  readonly coefficients: Int16Array;
  previousDc: number;
}

export interface SamplePlane {
  readonly samples: Uint16Array;
  /** From row to row. */
  readonly stride: number;
  /** Samples that hold image. */
  readonly rows: number;
  readonly columns: number;
}

export class DctImage {
  private readonly frame: JpegFrame;
  private readonly planes: readonly Plane[];
  private readonly mcusAcross: number;
  private readonly mcusDown: number;
  private endOfBandRun = 0;

  constructor(frame: JpegFrame) {
    this.frame = frame;
    const across = Math.max(...frame.components.map(({ horizontal }) => horizontal));
    const down = Math.max(...frame.components.map(({ vertical }) => vertical));
    this.mcusAcross = Math.ceil(frame.columns / (8 * across));
    this.mcusDown = Math.ceil(frame.rows / (8 * down));
    this.planes = frame.components.map((component) => {
      const blocksPerLine = this.mcusAcross * component.horizontal;
      const blocksPerColumn = this.mcusDown * component.vertical;
      return {
        component,
        blocksAcross: Math.ceil(Math.ceil((frame.columns * component.horizontal) / across) / 8),
        blocksDown: Math.ceil(Math.ceil((frame.rows * component.vertical) / down) / 8),
        blocksPerLine,
        blocksPerColumn,
        coefficients: new Int16Array(blocksPerLine * blocksPerColumn * 64),
        previousDc: 0,
      };
    });
  }

  /** @returns where the scan ends. */
  decodeScan(bytes: Uint8Array, scan: JpegScan): number {
    const { spectralStart, spectralEnd, successiveLow, components, restartInterval } = scan;
    const progressive = this.frame.process === 'progressive';
    const sound = progressive
      ? spectralStart <= spectralEnd &&
        spectralEnd <= 63 &&
        successiveLow <= 13 &&
        (spectralStart === 0 || components.length === 1)
      : true;
    if (!sound) throw damagedJpeg();
    const bits = new JpegBits(bytes, scan.start);
    const decode = progressive ? this.progressiveBlock(scan) : sequentialBlock;
    const single = components.length === 1 ? this.planes[components[0]!.index] : undefined;
    const units = single ? single.blocksAcross * single.blocksDown : this.mcusAcross * this.mcusDown;
    for (let unit = 0; unit < units; unit++) {
      if (unit === 0 || (restartInterval > 0 && unit % restartInterval === 0)) {
        if (unit > 0) bits.restart();
        this.endOfBandRun = 0;
        for (const plane of this.planes) plane.previousDc = 0;
      }
      if (single) {
        const line = Math.floor(unit / single.blocksAcross);
        const block = line * single.blocksPerLine + (unit % single.blocksAcross);
        decode(bits, single, block * 64, components[0]!);
      } else {
        this.decodeMcu(unit, components, (plane, at, tables) => decode(bits, plane, at, tables));
      }
    }
    bits.checkNotOverrun();
    return bits.at;
  }

  private decodeMcu(
    unit: number,
    components: JpegScan['components'],
    decode: (plane: Plane, at: number, tables: JpegScan['components'][number]) => void,
  ): void {
    const mcuLine = Math.floor(unit / this.mcusAcross);
    const mcuColumn = unit % this.mcusAcross;
    for (const tables of components) {
      const plane = this.planes[tables.index]!;
      const { horizontal, vertical } = plane.component;
      for (let v = 0; v < vertical; v++) {
        for (let h = 0; h < horizontal; h++) {
          const block = (mcuLine * vertical + v) * plane.blocksPerLine + mcuColumn * horizontal + h;
          decode(plane, block * 64, tables);
        }
      }
    }
  }

  private progressiveBlock(scan: JpegScan): BlockDecoder {
    const { spectralStart, spectralEnd, successiveHigh, successiveLow: low } = scan;
    if (spectralStart === 0) {
      return successiveHigh === 0
        ? (bits, plane, at, { dc }) => {
            plane.coefficients[at] = nextDc(bits, plane, dc) << low;
          }
        : (bits, plane, at) => {
            if (bits.take(1)) plane.coefficients[at]! |= 1 << low;
          };
    }
    const band = { from: spectralStart, to: spectralEnd, low };
    return successiveHigh === 0
      ? (bits, plane, at, { ac }) => this.firstBand(bits, plane.coefficients.subarray(at, at + 64), ac, band)
      : (bits, plane, at, { ac }) => this.refineBand(bits, plane.coefficients.subarray(at, at + 64), ac, band);
  }

  /** T.81 G.1.2.2. */
  private firstBand(bits: JpegBits, block: Int16Array, ac: HuffmanTable, band: Band): void {
    if (this.endOfBandRun > 0) {
      this.endOfBandRun--;
      return;
    }
    for (let index = band.from; index <= band.to; index++) {
      const symbol = bits.symbol(ac);
      const size = symbol & 15;
      const run = symbol >> 4;
      if (size !== 0) {
        index += run;
        if (index > 63) throw damagedJpeg();
        block[zigzag[index]!] = bits.takeSigned(size) << band.low;
      } else if (run < 15) {
        this.endOfBandRun = (1 << run) - 1 + bits.take(run);
        return;
      } else {
        index += 15;
      }
    }
  }

  /** T.81 G.1.2.3: one more bit of the coefficients that are not zero, and new ones between them. */
  private refineBand(bits: JpegBits, block: Int16Array, ac: HuffmanTable, band: Band): void {
    const bit = 1 << band.low;
    const refine = (place: number): void => {
      const value = block[place]!;
      if (bits.take(1) && (Math.abs(value) & bit) === 0) block[place] = value + (value > 0 ? bit : -bit);
    };
    let index = band.from;
    while (index <= band.to && this.endOfBandRun === 0) {
      const symbol = bits.symbol(ac);
      let run = symbol >> 4;
      let fresh = 0;
      if ((symbol & 15) !== 0) fresh = bits.take(1) ? bit : -bit;
      else if (run < 15) {
        this.endOfBandRun = (1 << run) + bits.take(run);
        break;
      }
      for (; index <= band.to; index++) {
        const place = zigzag[index]!;
        if (block[place] !== 0) refine(place);
        else if (run-- === 0) {
          if (fresh !== 0) block[place] = fresh;
          break;
        }
      }
      index++;
    }
    if (this.endOfBandRun > 0) {
      for (; index <= band.to; index++) if (block[zigzag[index]!] !== 0) refine(zigzag[index]!);
      this.endOfBandRun--;
    }
  }

  /** Dequantised and transformed; by component. */
  samples(quantization: readonly (Uint16Array | undefined)[]): readonly SamplePlane[] {
    const { frame } = this;
    const across = Math.max(...frame.components.map(({ horizontal }) => horizontal));
    const down = Math.max(...frame.components.map(({ vertical }) => vertical));
    return this.planes.map((plane) => {
      const table = quantization[plane.component.quantization & 3];
      if (table === undefined) throw damagedJpeg();
      const stride = plane.blocksPerLine * 8;
      const samples = new Uint16Array(stride * plane.blocksPerColumn * 8);
      const scaled = new Int32Array(64);
      for (let block = 0; block < plane.blocksPerLine * plane.blocksPerColumn; block++) {
        for (let index = 0; index < 64; index++) {
          const place = zigzag[index]!;
          scaled[place] = plane.coefficients[block * 64 + place]! * table[index]!;
        }
        const at = Math.floor(block / plane.blocksPerLine) * 8 * stride + (block % plane.blocksPerLine) * 8;
        inverseDct(scaled, { out: samples, at, stride, precision: frame.precision });
      }
      return {
        samples,
        stride,
        rows: Math.ceil((frame.rows * plane.component.vertical) / down),
        columns: Math.ceil((frame.columns * plane.component.horizontal) / across),
      };
    });
  }
}

interface Band {
  readonly from: number;
  readonly to: number;
  readonly low: number;
}

type BlockDecoder = (bits: JpegBits, plane: Plane, at: number, tables: JpegScan['components'][number]) => void;

function nextDc(bits: JpegBits, plane: Plane, table: HuffmanTable): number {
  const size = bits.symbol(table);
  if (size > 15) throw damagedJpeg();
  plane.previousDc += bits.takeSigned(size);
  return plane.previousDc;
}

const sequentialBlock: BlockDecoder = (bits, plane, at, { dc, ac }) => {
  const { coefficients } = plane;
  coefficients[at] = nextDc(bits, plane, dc);
  for (let index = 1; index < 64; index++) {
    const symbol = bits.symbol(ac);
    const size = symbol & 15;
    const run = symbol >> 4;
    if (size === 0) {
      if (run < 15) break;
      index += 15;
      continue;
    }
    index += run;
    if (index > 63) throw damagedJpeg();
    coefficients[at + zigzag[index]!] = bits.takeSigned(size);
  }
};
