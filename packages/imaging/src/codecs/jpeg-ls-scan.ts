/**
 * The lossless and near-lossless prediction of JPEG-LS (ITU-T T.87 annex A; Weinberger, Seroussi and Sapiro 2000): a
 * sample's neighbours choose one of 365 contexts, which learns how large and how biased the differences are; where the
 * neighbours are equal, runs.
 */
import { damagedJpegLs, type JpegLsBits } from './jpeg-ls-bits.ts';

export interface JpegLsParameters {
  /** Largest sample. */
  readonly maxval: number;
  /** By how much a sample may be off: 0 is lossless. */
  readonly near: number;
  /** Bounds of the gradients' classes. */
  readonly thresholds: readonly [number, number, number];
  /** How many samples a context remembers. */
  readonly reset: number;
}

/** Order of the run lengths' code (A.2.1). */
const runOrders = Uint8Array.from([
  0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 9, 10, 11, 12, 13, 14, 15,
]);
const regularContexts = 365;

/** One line of one component, with a place before and after it; and the line above. */
export interface JpegLsLine {
  readonly current: Int32Array;
  readonly above: Int32Array;
}

export class JpegLsScan {
  private readonly bits: JpegLsBits;
  private readonly near: number;
  private readonly maxval: number;
  private readonly step: number;
  private readonly range: number;
  private readonly limit: number;
  private readonly valueBits: number;
  private readonly reset: number;
  /** Class -4 to 4 of a gradient, from -maxval on. */
  private readonly classes: Int8Array;
  /** Sum of the differences' sizes, their sum, correction, count: by context; the last two are of interrupted runs. */
  private readonly a: Int32Array;
  private readonly b = new Int32Array(regularContexts);
  private readonly c = new Int32Array(regularContexts);
  private readonly n = new Int32Array(regularContexts + 2).fill(1);
  /** Negative differences after runs. */
  private readonly negative = new Int32Array(2);
  /** Of each component. */
  private readonly runIndex: Uint8Array;

  constructor(bits: JpegLsBits, { maxval, near, thresholds, reset }: JpegLsParameters, components: number) {
    this.bits = bits;
    this.near = near;
    this.maxval = maxval;
    this.step = 2 * near + 1;
    this.range = Math.floor((maxval + 2 * near) / this.step) + 1;
    this.valueBits = Math.ceil(Math.log2(this.range));
    const sampleBits = Math.max(2, Math.ceil(Math.log2(maxval + 1)));
    this.limit = 2 * (sampleBits + Math.max(8, sampleBits)) - this.valueBits - 1;
    this.reset = reset;
    this.classes = classesOf(maxval, near, thresholds);
    this.a = new Int32Array(regularContexts + 2).fill(Math.max(2, (this.range + 32) >> 6));
    this.runIndex = new Uint8Array(components);
  }

  /** One line of one component: `width` samples from place 1. */
  decodeLine({ current, above }: JpegLsLine, width: number, component: number): void {
    const { near, classes, maxval } = this;
    for (let x = 1; x <= width; ) {
      const left = current[x - 1]!;
      const up = above[x]!;
      const corner = above[x - 1]!;
      const right = above[x + 1]!;
      const context =
        81 * classes[right - up + maxval]! + 9 * classes[up - corner + maxval]! + classes[corner - left + maxval]!;
      const flat =
        context === 0 && isFlat(right - up, near) && isFlat(up - corner, near) && isFlat(corner - left, near);
      if (!flat) {
        current[x++] = this.regular(context, left, up, corner);
        continue;
      }
      const length = this.run(width - x + 1, component);
      current.fill(left, x, x + length);
      x += length;
      if (x > width) break;
      const before = current[x - 1]!;
      const over = above[x]!;
      const isSame = Math.abs(before - over) <= near;
      const prediction = isSame ? before : over;
      const sign = !isSame && before > over ? -1 : 1;
      current[x++] = this.reconstructed(prediction, sign * this.interruption(isSame ? 1 : 0, component));
      this.shorten(component);
    }
  }

  /** One line of all components, sample by sample: runs hold for all of them. */
  decodeInterleaved(lines: readonly JpegLsLine[], width: number): void {
    const { near, classes, maxval } = this;
    const contexts = new Int32Array(lines.length);
    for (let x = 1; x <= width; ) {
      let flat = true;
      for (const [index, { current, above }] of lines.entries()) {
        const left = current[x - 1]!;
        const up = above[x]!;
        const corner = above[x - 1]!;
        const right = above[x + 1]!;
        contexts[index] =
          81 * classes[right - up + maxval]! + 9 * classes[up - corner + maxval]! + classes[corner - left + maxval]!;
        flat &&= isFlat(right - up, near) && isFlat(up - corner, near) && isFlat(corner - left, near);
      }
      if (!flat) {
        for (const [index, { current, above }] of lines.entries()) {
          current[x] = this.regular(contexts[index]!, current[x - 1]!, above[x]!, above[x - 1]!);
        }
        x++;
        continue;
      }
      const length = this.run(width - x + 1, 0);
      for (const { current } of lines) current.fill(current[x - 1]!, x, x + length);
      x += length;
      if (x > width) break;
      for (const { current, above } of lines) {
        const sign = current[x - 1]! > above[x]! ? -1 : 1;
        current[x] = this.reconstructed(above[x]!, sign * this.interruption(0, 0));
      }
      this.shorten(0);
      x++;
    }
  }

  /** A.4 to A.6. */
  private regular(signedContext: number, left: number, up: number, corner: number): number {
    const { a, b, c, n } = this;
    const sign = signedContext < 0 ? -1 : 1;
    const q = signedContext < 0 ? -signedContext : signedContext;
    const low = Math.min(left, up);
    const high = Math.max(left, up);
    let prediction = corner >= high ? low : corner <= low ? high : left + up - corner;
    prediction = Math.min(Math.max(prediction + sign * c[q]!, 0), this.maxval);
    let k = 0;
    while (n[q]! << k < a[q]! && k < 24) k++;
    if (k > 16) throw damagedJpegLs();
    const mapped = this.bits.golomb(k, this.limit, this.valueBits);
    const isOdd = (mapped & 1) === 1;
    let error: number;
    if (this.near === 0 && k === 0 && 2 * b[q]! <= -n[q]!) error = isOdd ? (mapped - 1) >> 1 : -(mapped >> 1) - 1;
    else error = isOdd ? -((mapped + 1) >> 1) : mapped >> 1;
    this.learn(q, error);
    return this.reconstructed(prediction, sign * error);
  }

  private learn(q: number, error: number): void {
    const { a, b, c, n } = this;
    a[q]! += Math.abs(error);
    b[q]! += error * this.step;
    if (n[q] === this.reset) {
      a[q]! >>= 1;
      b[q] = b[q]! >= 0 ? b[q]! >> 1 : -((1 - b[q]!) >> 1);
      n[q]! >>= 1;
    }
    const count = ++n[q]!;
    if (b[q]! <= -count) {
      b[q] = Math.max(b[q]! + count, 1 - count);
      if (c[q]! > -128) c[q]!--;
    } else if (b[q]! > 0) {
      b[q] = Math.min(b[q]! - count, 0);
      if (c[q]! < 127) c[q]!++;
    }
  }

  /** A.7.1: how many samples, at most `rest`, are as the one before them. */
  private run(rest: number, component: number): number {
    const { runIndex, bits } = this;
    let length = 0;
    while (bits.take(1) === 1) {
      const full = 1 << runOrders[runIndex[component]!]!;
      length += full;
      if (length <= rest && runIndex[component]! < 31) runIndex[component]!++;
      if (length >= rest) return rest;
    }
    length += bits.take(runOrders[runIndex[component]!]!);
    if (length > rest) throw damagedJpegLs();
    return length;
  }

  /** A.7.2: the difference of the sample that ends a run. */
  private interruption(type: 0 | 1, component: number): number {
    const { a, n, negative } = this;
    const q = regularContexts + type;
    const size = type === 0 ? a[q]! : a[q]! + (n[q]! >> 1);
    let k = 0;
    while (n[q]! << k < size && k < 24) k++;
    if (k > 16) throw damagedJpegLs();
    const order = runOrders[this.runIndex[component]!]!;
    const mapped = this.bits.golomb(k, this.limit - order - 1, this.valueBits);
    const isOdd = (mapped + type) & 1;
    const size2 = (mapped + type + isOdd) >> 1;
    const isNegative = (k !== 0 || 2 * negative[type]! >= n[q]! ? 1 : 0) === isOdd;
    const error = isNegative ? -size2 : size2;
    if (error < 0) negative[type]!++;
    a[q]! += (mapped + 1 - type) >> 1;
    if (n[q] === this.reset) {
      a[q]! >>= 1;
      n[q]! >>= 1;
      negative[type]! >>= 1;
    }
    n[q]!++;
    return error;
  }

  private shorten(component: number): void {
    if (this.runIndex[component]! > 0) this.runIndex[component]!--;
  }

  /** A.8: modulo the range, within the samples. */
  private reconstructed(prediction: number, error: number): number {
    const { near, maxval, step, range } = this;
    let value = prediction + error * step;
    if (value < -near) value += range * step;
    else if (value > maxval + near) value -= range * step;
    return Math.min(Math.max(value, 0), maxval);
  }
}

function isFlat(gradient: number, near: number): boolean {
  return gradient <= near && gradient >= -near;
}

function classesOf(maxval: number, near: number, thresholds: JpegLsParameters['thresholds']): Int8Array {
  const classes = new Int8Array(2 * maxval + 1);
  for (const [index, from] of [near + 1, ...thresholds].entries()) {
    classes.fill(index + 1, maxval + from);
    classes.fill(-index - 1, 0, Math.max(0, maxval - from + 1));
  }
  return classes;
}
