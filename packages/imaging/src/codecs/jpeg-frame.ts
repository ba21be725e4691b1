/** The marker segments of a JPEG stream (ITU-T T.81 annex B), read one after the other. */
import { damagedJpeg, HuffmanTable } from './jpeg-bits.ts';

export interface JpegComponent {
  readonly id: number;
  readonly horizontal: number;
  readonly vertical: number;
  readonly quantization: number;
}

export interface JpegFrame {
  readonly process: 'sequential' | 'progressive' | 'lossless';
  /** Bits a sample. */
  readonly precision: number;
  readonly rows: number;
  readonly columns: number;
  readonly components: readonly JpegComponent[];
}

export interface JpegScan {
  readonly components: readonly { readonly index: number; readonly dc: HuffmanTable; readonly ac: HuffmanTable }[];
  /** First coefficient, or the predictor of a lossless scan. */
  readonly spectralStart: number;
  readonly spectralEnd: number;
  readonly successiveHigh: number;
  /** Low bit of a successive approximation, or the point transform of a lossless scan. */
  readonly successiveLow: number;
  readonly restartInterval: number;
  /** Where its entropy-coded bits begin. */
  readonly start: number;
}

const markers = { soi: 0xd8, eoi: 0xd9, sos: 0xda, dqt: 0xdb, dht: 0xc4, dri: 0xdd, app0: 0xe0, app14: 0xee } as const;
const processes: Readonly<Record<number, JpegFrame['process']>> = {
  192: 'sequential',
  193: 'sequential',
  194: 'progressive',
  195: 'lossless',
};
const emptyTable = new HuffmanTable(new Uint8Array(16), new Uint8Array(0));

/** What the stream says of its colours: by its JFIF or Adobe segment, otherwise undefined. */
export type JpegColour = 'ybr' | 'rgb' | undefined;

export class JpegSegments {
  frame: JpegFrame | undefined;
  colour: JpegColour;
  /** In zigzag order, by destination. */
  readonly quantization: (Uint16Array | undefined)[] = [];
  private readonly bytes: Uint8Array;
  private readonly dc: (HuffmanTable | undefined)[] = [];
  private readonly ac: (HuffmanTable | undefined)[] = [];
  private restartInterval = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    if (this.word(0) !== 0xff00 + markers.soi) throw damagedJpeg();
  }

  /** Reads from `from` to the next scan; undefined at the end of the image. */
  nextScan(from: number): JpegScan | undefined {
    const { bytes } = this;
    for (let at = from; at + 4 <= bytes.length; ) {
      if (bytes[at] !== 0xff || bytes[at + 1] === 0 || bytes[at + 1] === 0xff) {
        at++;
        continue;
      }
      const marker = bytes[at + 1]!;
      if (marker === markers.eoi) return undefined;
      if (marker === markers.soi || (marker >= 0xd0 && marker <= 0xd7)) {
        at += 2;
        continue;
      }
      const length = this.word(at + 2);
      const end = at + 2 + length;
      if (length < 2 || end > bytes.length) throw damagedJpeg();
      if (marker === markers.sos) return this.scan(bytes.subarray(at + 4, end), end);
      this.segment(marker, bytes.subarray(at + 4, end));
      at = end;
    }
    return undefined;
  }

  private segment(marker: number, body: Uint8Array): void {
    if (marker === markers.dqt) this.readQuantization(body);
    else if (marker === markers.dht) this.readHuffman(body);
    else if (marker === markers.dri) this.restartInterval = (body[0]! << 8) | body[1]!;
    else if (marker === markers.app0 && latin(body, 4) === 'JFIF') this.colour = 'ybr';
    else if (marker === markers.app14 && latin(body, 5) === 'Adobe') this.colour = body[11] === 0 ? 'rgb' : 'ybr';
    else if (marker >= 0xc0 && marker <= 0xcf && marker !== 0xc8 && marker !== 0xcc) this.readFrame(marker, body);
  }

  private readFrame(marker: number, body: Uint8Array): void {
    const process = processes[marker];
    const count = body[5] ?? 0;
    if (process === undefined || this.frame !== undefined || count < 1 || count > 4 || body.length < 6 + 3 * count) {
      throw damagedJpeg();
    }
    const components = Array.from({ length: count }, (_, index): JpegComponent => {
      const at = 6 + 3 * index;
      return {
        id: body[at]!,
        horizontal: body[at + 1]! >> 4,
        vertical: body[at + 1]! & 15,
        quantization: body[at + 2]!,
      };
    });
    this.frame = {
      process,
      precision: body[0]!,
      rows: (body[1]! << 8) | body[2]!,
      columns: (body[3]! << 8) | body[4]!,
      components,
    };
    const { precision, rows, columns } = this.frame;
    const sampled = components.every(
      ({ horizontal: h, vertical: v }) =>
        h >= 1 && h <= 4 && v >= 1 && v <= 4 && (process !== 'lossless' || h * v === 1),
    );
    const precise = process === 'lossless' ? precision >= 2 && precision <= 16 : precision === 8 || precision === 12;
    if (!sampled || !precise || rows === 0 || columns === 0) throw damagedJpeg();
  }

  private readQuantization(body: Uint8Array): void {
    for (let at = 0; at < body.length; ) {
      const wide = body[at]! >> 4;
      const end = at + 1 + 64 * (wide + 1);
      if (wide > 1 || end > body.length) throw damagedJpeg();
      const table = new Uint16Array(64);
      for (let index = 0; index < 64; index++) {
        const from = at + 1 + index * (wide + 1);
        table[index] = wide ? (body[from]! << 8) | body[from + 1]! : body[from]!;
      }
      this.quantization[body[at]! & 3] = table;
      at = end;
    }
  }

  private readHuffman(body: Uint8Array): void {
    for (let at = 0; at < body.length; ) {
      const counts = body.subarray(at + 1, at + 17);
      const total = counts.reduce((sum, count) => sum + count, 0);
      const end = at + 17 + total;
      if (counts.length < 16 || total > 256 || end > body.length) throw damagedJpeg();
      const tables = body[at]! >> 4 === 0 ? this.dc : this.ac;
      tables[body[at]! & 3] = new HuffmanTable(counts, body.slice(at + 17, end));
      at = end;
    }
  }

  private scan(body: Uint8Array, start: number): JpegScan {
    const { frame } = this;
    const count = body[0] ?? 0;
    if (frame === undefined || count < 1 || count > 4 || body.length < 4 + 2 * count) throw damagedJpeg();
    const components = Array.from({ length: count }, (_, place) => {
      const index = frame.components.findIndex(({ id }) => id === body[1 + 2 * place]);
      const tables = body[2 + 2 * place]!;
      if (index < 0) throw damagedJpeg();
      return { index, dc: this.dc[(tables >> 4) & 3] ?? emptyTable, ac: this.ac[tables & 3] ?? emptyTable };
    });
    const [spectralStart, spectralEnd, successive] = body.subarray(1 + 2 * count) as unknown as [
      number,
      number,
      number,
    ];
    return {
      components,
      spectralStart,
      spectralEnd,
      successiveHigh: successive >> 4,
      successiveLow: successive & 15,
      restartInterval: this.restartInterval,
      start,
    };
  }

  private word(at: number): number {
    return (this.bytes[at]! << 8) | this.bytes[at + 1]!;
  }
}

function latin(bytes: Uint8Array, count: number): string {
  return String.fromCharCode(...bytes.subarray(0, count));
}
