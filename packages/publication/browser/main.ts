/** The page of a crate that segments a CT in the browser: it loads the model that lies beside it, and nothing else. */
import { webRuntime } from '@consilium/engine/web';
import { decodeNifti, encodeNifti, type Image, type LabelMap } from '@consilium/imaging';
import { type ContrastPhase, decodeBundle, type Plan, Predictor } from '@consilium/training/browser';

const bundle = ['model.onnx', 'weights.safetensors', 'plan.json', 'metadata.json'] as const;
/** Abdominal window, HU. */
const windowHu = { low: -160, high: 240 } as const;
const colours = ['#e8a23a', '#4fb3ff', '#7ddc6f', '#d77bd1', '#f06a5d'] as const;

interface Shown {
  readonly image: Image;
  readonly labels: LabelMap;
}

const element = <T extends HTMLElement>(id: string): T => document.getElementById(id) as T;
const status = element('status');
const progress = element<HTMLProgressElement>('progress');
const run = element<HTMLButtonElement>('run');
const slider = element<HTMLInputElement>('slice');
let shown: Shown | undefined;

const { plan, predictor } = await loadModel();
run.disabled = false;
status.textContent = 'Choose an image.';
element<HTMLFormElement>('form').addEventListener('submit', (event) => {
  event.preventDefault();
  void segment();
});
slider.addEventListener('input', draw);

async function loadModel(): Promise<{ plan: Plan; predictor: Predictor }> {
  try {
    const files = await Promise.all(
      bundle.map(async (name) => {
        const answer = await fetch(`../../model/${name}`);
        if (!answer.ok) throw new Error(`${name}: ${answer.status}`);
        return [name, new Uint8Array(await answer.arrayBuffer())] as const;
      }),
    );
    const read = decodeBundle(new Map(files));
    const { title } = read.metadata;
    if (typeof title === 'string') element('title').textContent = title;
    for (const phase of Object.keys(read.plan.normalisation.phases ?? {})) {
      element('phase').append(new Option(phase, phase));
    }
    const opened = await Predictor.open({ runtime: webRuntime(), model: read.model, plan: read.plan });
    return { plan: read.plan, predictor: opened };
  } catch (error) {
    status.textContent =
      location.protocol === 'file:'
        ? 'A browser does not load a model from a folder. Serve the crate, for example with "python3 -m http.server", and open examples/browser/ there.'
        : 'The model cannot be loaded. Is this page still in its crate?';
    throw error;
  }
}

async function segment(): Promise<void> {
  const file = element<HTMLInputElement>('file').files?.[0];
  if (file === undefined) return;
  run.disabled = true;
  progress.hidden = false;
  status.textContent = 'Segmenting ...';
  try {
    const { geometry, voxels } = decodeNifti(new Uint8Array(await file.arrayBuffer()));
    const image = { geometry, voxels: voxels instanceof Uint8Array ? Int16Array.from(voxels) : voxels };
    const phase = element<HTMLSelectElement>('phase').value as ContrastPhase | '';
    const labels = await predictor.predict(image, {
      ...(phase === '' ? {} : { phase }),
      onProgress: (done, total) => {
        progress.value = done / total;
      },
    });
    shown = { image, labels };
    show(shown);
    status.textContent = 'Done.';
  } catch {
    status.textContent = 'The image cannot be segmented: is it a CT as NIfTI?';
  } finally {
    run.disabled = false;
    progress.hidden = true;
  }
}

function show({ image, labels }: Shown): void {
  const { size, spacingMm } = image.geometry;
  const counts = new Float64Array(256);
  for (const value of labels.voxels) counts[value]! += 1;
  const voxelMl = spacingMm.reduce((product, edge) => product * edge, 1) / 1000;
  element('volumes').replaceChildren(
    ...plan.classes.map(({ name, value }) => {
      const row = document.createElement('tr');
      const swatch = document.createElement('span');
      swatch.className = 'swatch';
      swatch.style.background = colourOf(value);
      row.insertCell().append(swatch, name);
      const cell = row.insertCell();
      cell.className = 'number';
      cell.textContent = `${(counts[value]! * voxelMl).toFixed(1)} ml`;
      return row;
    }),
  );
  slider.max = String(size[0] - 1);
  slider.value = String(fullestSlice(labels));
  element<HTMLAnchorElement>('download').href = URL.createObjectURL(
    new Blob([encodeNifti(labels) as Uint8Array<ArrayBuffer>], { type: 'application/gzip' }),
  );
  element('result').hidden = false;
  draw();
}

function draw(): void {
  if (shown === undefined) return;
  const { image, labels } = shown;
  const [, height, width] = image.geometry.size;
  const canvas = element<HTMLCanvasElement>('picture');
  canvas.width = width;
  canvas.height = height;
  canvas.style.aspectRatio = `${width * image.geometry.spacingMm[2]} / ${height * image.geometry.spacingMm[1]}`;
  const context = canvas.getContext('2d')!;
  const pixels = context.createImageData(width, height);
  const start = Number(slider.value) * height * width;
  // Rows as a reader expects them: the front above, the patient's right on the left.
  const [, back, left] = image.geometry.axes;
  const isUpsideDown = back[1] < 0;
  const isMirrored = left[0] < 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = start + (isUpsideDown ? height - 1 - y : y) * width + (isMirrored ? width - 1 - x : x);
      const grey = (255 * (image.voxels[at]! - windowHu.low)) / (windowHu.high - windowHu.low);
      const [red, green, blue] = rgb(colourOf(labels.voxels[at]!));
      const share = labels.voxels[at] === 0 ? 0 : 0.45;
      const to = (y * width + x) * 4;
      const base = Math.min(255, Math.max(0, grey));
      pixels.data.set([mix(base, red, share), mix(base, green, share), mix(base, blue, share), 255], to);
    }
  }
  context.putImageData(pixels, 0, 0);
}

const mix = (one: number, other: number, share: number): number => one + (other - one) * share;

function colourOf(value: number): string {
  return colours[Math.max(0, value - 1) % colours.length]!;
}

function rgb(colour: string): [number, number, number] {
  const part = (at: number) => Number.parseInt(colour.slice(at, at + 2), 16);
  return [part(1), part(3), part(5)];
}

function fullestSlice({ geometry, voxels }: LabelMap): number {
  const plane = geometry.size[1] * geometry.size[2];
  let best = 0;
  let most = -1;
  for (let z = 0; z < geometry.size[0]; z++) {
    let count = 0;
    for (let at = z * plane; at < (z + 1) * plane; at++) count += voxels[at] === 0 ? 0 : 1;
    if (count <= most) continue;
    best = z;
    most = count;
  }
  return best;
}
