/**
 * A case on the reader's desk: what is shown and how, which tool is in hand, what may be drawn where. What it draws goes to
 * the session, if there is one; without, the case is only looked at.
 */
import { applyDelta, type Structure } from '@consilium/reading/api';
import { nextFrame } from '../../ports/browser-clock.ts';
import type { CaseOverlay } from '../case/case-overlay.ts';
import { type FindSettings, findSettingsOf, imageToolOf, type OwnTool, ownToolsOf } from '../case/find-settings.ts';
import { findBy } from '../case/image-tool.ts';
import type { DrawingRule, Edit, SliceRange } from '../case/label-editor.ts';
import { voxelsInside } from '../case/plane-shape.ts';
import type { Pointed, Suggestion } from '../case/pointed.ts';
import { PromptSession } from '../case/prompt-session.ts';
import { decideOn, type ProposalDecision, takeProposed, toBeTaken } from '../case/proposal-decision.ts';
import { type StructureOperation, workOn } from '../case/structure-operation.ts';
import type { EditSource } from '../case/task-session.ts';
import { WorkBench } from '../case/work-bench.ts';
import { CaseViewer } from '../viewer/case-viewer.ts';
import { type ToolId, toolOf } from '../viewer/drawing-tool.ts';
import { paintFirst } from '../viewer/first-picture.ts';
import { firstWindow, type GreyWindow, windowPresets } from '../viewer/grey-window.ts';
import type { Gesture } from '../viewer/hand-gesture.ts';
import type { LabelStyle } from '../viewer/label-layers.ts';
import { surfaceOf } from '../viewer/structure-surface.ts';
import { type Plane, planes, type Vector } from '../viewer/view-plane.ts';
import type { Comparison } from './comparison.ts';
import type { DeskOptions, DeskState } from './desk-state.ts';
import { type Pointing, Suggestions } from './suggestions.ts';

export const brushMmMax = 60;
const filled: LabelStyle = { fillAlpha: 0.3, outlineWidth: 2 };
const outlined: LabelStyle = { fillAlpha: 0, outlineWidth: 2 };

export class Desk {
  readonly options: DeskOptions;
  /** With a series beside the case. */
  readonly comparison: Comparison | undefined;
  readonly #listeners = new Set<() => void>();
  readonly #stop = new AbortController();
  readonly #bench = new WorkBench();
  readonly #prompts: PromptSession | undefined;
  readonly #suggestions: Suggestions;
  #viewer: CaseViewer | undefined;
  #state: DeskState;
  readonly #mlPerVoxel: number;

  constructor(options: DeskOptions) {
    this.options = options;
    this.comparison = options.comparison;
    const { protocol, session, volume } = options;
    this.#mlPerVoxel = volume.geometry.spacingMm.reduce((product, mm) => product * mm, 1) / 1000;
    this.#state = {
      tool: session === undefined ? 'window' : 'circle',
      structure: protocol.structures[0]!.number,
      ...{ brushMm: 8, range: [20, 200], holdsRange: false, inside: undefined, hidden: new Set(), locked: new Set() },
      ...{ isLabelShown: true, isOutlined: false, window: windowPresets[0]!, plane: 'axial', views: {}, share: 0 },
      ...{ volumesMl: {}, canUndo: false, canRedo: false, overlays: new Set(), preview: undefined },
      finding: findSettingsOf([], ''),
    };
    this.#prepareFinding(this.#state.structure);
    this.#prompts = session && new PromptSession(session);
    this.#suggestions = new Suggestions({
      grid: volume.geometry,
      structures: protocol.structures.map(({ number }) => number),
      ask: this.#ask,
      onChange: (preview) => this.#change({ preview }),
      onTrouble: (error) => options.onTrouble?.(error),
    });
    this.#count();
  }

  readonly state = (): DeskState => this.#state;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** The pictures, once they are there. */
  get viewer(): CaseViewer | undefined {
    return this.#viewer;
  }

  structureOf(number: number): Structure {
    return this.options.protocol.structures.find((one) => one.number === number)!;
  }

  /**
   * Shows the case in elements of the page; the image comes by and by. Resolves when all of it is here.
   * @param first where the first slice is shown until the planes are there.
   * @throws ServiceError
   */
  async mount(elements: Readonly<Record<Plane, HTMLDivElement>>, first: HTMLCanvasElement | null): Promise<void> {
    const { volume } = this.options;
    await volume.begun;
    if (first !== null) paintFirst(first, volume);
    await nextFrame();
    if (this.#stop.signal.aborted) return;
    const viewer = await CaseViewer.create({
      elements,
      volume,
      events: {
        onDrawn: this.#drawn,
        onView: this.#look,
        onWindow: (window) => this.#change({ window }),
        onPointed: this.#pointed,
        onWork: (tool) => this.options.session?.mark({ tool, structure: this.#state.structure }),
      },
    });
    if (this.#stop.signal.aborted) {
      viewer.destroy();
      return;
    }
    this.#viewer = viewer;
    this.#suggestions.attach(viewer.labels);
    this.comparison?.attach(viewer);
    this.#showLabels(viewer);
    this.setTool(this.#state.tool);
    this.setBrush(this.#state.brushMm);
    viewer.setRange(this.#state.range);
    viewer.setWindow(this.#state.window);
    for (const plane of planes) this.#look(plane);
    let isWindowed = false;
    const receive = (slices: SliceRange) => {
      if (!isWindowed) this.setWindow(firstWindow(volume.slices(slices)));
      isWindowed = true;
      viewer.imageChanged(slices);
      this.#change({ share: volume.share });
    };
    volume.listen(receive);
    // While the planes were made.
    volume.received.forEach(receive);
    await volume.done;
  }

  unmount(): void {
    this.#stop.abort();
    this.options.volume.close();
    this.#bench.close();
    this.#prompts?.close();
    this.comparison?.close();
    this.#viewer?.destroy();
    this.#viewer = undefined;
  }

  /** Whether a tool can be used here. */
  offers(tool: ToolId): boolean {
    const { hasClicks, proposal, session } = this.options;
    const { draws, needs } = toolOf(tool);
    if (needs === 'app' && this.ownTools.length === 0) return false;
    if (needs === 'proposal' && proposal === undefined) return false;
    if (needs === 'clicks' && hasClicks !== true) return false;
    return !draws || session !== undefined;
  }

  setTool(tool: ToolId): void {
    if (!this.offers(tool)) return;
    this.#suggestions.keep({ asked: toolOf(tool).asks, structure: this.#state.structure });
    this.#viewer?.setTool(tool);
    this.#change({ tool });
    this.setStructure(this.#state.structure);
  }

  setStructure(structure: number): void {
    if (structure !== this.#state.structure) {
      this.#suggestions.drop();
      this.#prepareFinding(structure);
    }
    const drawn = this.#state.tool === 'accept' ? toBeTaken : structure;
    this.#viewer?.labels.activate(layerId(this.structureOf(structure).layer), drawn);
    this.#viewer?.render();
    this.#change({ structure });
  }

  /** @param by places in the list of structures. */
  stepStructure(by: number): void {
    const { structures } = this.options.protocol;
    const at = structures.findIndex(({ number }) => number === this.#state.structure);
    this.setStructure(structures[(at + by + structures.length) % structures.length]!.number);
  }

  setBrush(brushMm: number): void {
    const clamped = Math.min(brushMmMax, Math.max(0.5, brushMm));
    this.#viewer?.setBrush(clamped);
    this.#change({ brushMm: clamped });
  }

  setRange(range: readonly [number, number], holdsRange = this.#state.holdsRange): void {
    this.#viewer?.setRange(range);
    this.#change({ range, holdsRange });
    if (this.#state.preview?.asked !== 'model') void this.#suggestions.askAgain();
  }

  /** Tools of the project's app for the structure. */
  get ownTools(): readonly OwnTool[] {
    return ownToolsOf(this.options.appTools ?? [], this.structureOf(this.#state.structure).name);
  }

  setFinding(part: Partial<FindSettings>): void {
    this.#change({ finding: { ...this.#state.finding, ...part } });
    if (this.#state.preview?.asked !== 'model') void this.#suggestions.askAgain();
  }

  setInside(inside: number | undefined): void {
    this.#change({ inside });
  }

  setWindow(window: GreyWindow): void {
    this.#viewer?.setWindow(window);
    this.comparison?.setWindow(window);
    this.#change({ window: { centre: window.centre, width: window.width } });
  }

  removeLengths(): void {
    this.#viewer?.removeLengths();
  }

  resetPictures(): void {
    this.#viewer?.reset();
    this.comparison?.reset();
  }

  setPlane(plane: Plane): void {
    if (plane !== this.#state.plane) this.#change({ plane });
  }

  scroll(slices: number): void {
    this.#viewer?.scroll(this.#state.plane, slices);
    this.options.session?.mark({ tool: 'scroll', structure: this.#state.structure });
  }

  /** @returns whether anything is drawn. */
  showSurfaces(element: HTMLDivElement): boolean {
    const { layers, protocol, volume } = this.options;
    const surfaces = protocol.structures.flatMap(({ colour, layer, number }) => {
      const actor = surfaceOf(layers[layer]!, { structure: number, colour, geometry: volume.geometry });
      return actor === undefined ? [] : [{ uid: `surface-${number}`, actor }];
    });
    this.#viewer?.showSurfaces(element, surfaces);
    return surfaces.length > 0;
  }

  showLabel(isLabelShown: boolean): void {
    for (const layer of this.options.layers.keys()) this.#viewer?.labels.show(layerId(layer), isLabelShown);
    this.#change({ isLabelShown });
  }

  outline(isOutlined: boolean): void {
    for (const layer of this.options.layers.keys())
      this.#viewer?.labels.style(layerId(layer), isOutlined ? outlined : filled);
    this.#viewer?.render();
    this.#change({ isOutlined });
  }

  toggleHidden(structure: number): void {
    const hidden = toggled(this.#state.hidden, structure);
    const { layer } = this.structureOf(structure);
    this.#viewer?.labels.showStructure(layerId(layer), structure, !hidden.has(structure));
    this.#viewer?.render();
    this.#change({ hidden });
  }

  toggleLocked(structure: number): void {
    this.#change({ locked: toggled(this.#state.locked, structure) });
  }

  undo(): void {
    this.#tell(this.options.session?.editor.undo(), { tool: 'undo', structure: this.#state.structure });
  }

  redo(): void {
    this.#tell(this.options.session?.editor.redo(), { tool: 'redo', structure: this.#state.structure });
  }

  /**
   * Changes a layer otherwise than by a tool's hand: `work` writes into its voxels.
   * @returns whether anything changed.
   */
  edit(
    source: EditSource,
    layer: number,
    work: (voxels: Uint8Array) => void,
    rule: DrawingRule = { locked: this.#state.locked },
  ): boolean {
    const { session, volume } = this.options;
    if (session === undefined) return false;
    const { editor } = session;
    work(editor.layers[layer]!);
    const slices = { from: 0, to: editor.size[0] - 1 };
    const edit = editor.take(layer, { slices, rule, image: volume.voxels });
    this.#tell(edit, source);
    return edit !== undefined;
  }

  /** Does something to the chosen structure as a whole. @returns whether anything changed. */
  async operate(operation: StructureOperation): Promise<boolean> {
    const { session, volume } = this.options;
    if (session === undefined) return false;
    const { structure } = this.#state;
    const { layer } = this.structureOf(structure);
    const { size, spacingMm } = volume.geometry;
    const write = await workOn(this.#bench, session.editor.layers[layer]!, {
      ...{ grid: { size, spacingMm }, structure, operation },
    });
    return write !== undefined && this.edit({ tool: operation.kind, structure }, layer, write);
  }

  /** Makes structures what the model proposed, or drops what it proposed of them. @param only without, all structures. */
  decideProposal(decision: ProposalDecision, only?: number): void {
    const { proposal, protocol, session } = this.options;
    if (proposal === undefined || session === undefined) return;
    const structures = protocol.structures.filter(({ number }) => only === undefined || number === only);
    for (const layer of new Set(structures.map((structure) => structure.layer))) {
      const numbers = new Set(structures.filter((one) => one.layer === layer).map(({ number }) => number));
      const proposed = proposal.layers[layer]!;
      const source: EditSource = { tool: `proposal-${decision}`, structure: only, ...this.#assisted(proposal.model) };
      const isChanged = this.edit(source, layer, (voxels) => decideOn(voxels, { decision, numbers, proposed }));
      // A proposal that is taken as it is, is a decision as well.
      if (!isChanged) session.mark(source, true);
    }
  }

  /** @throws ServiceError */
  async toggleOverlay({ id, load }: CaseOverlay): Promise<void> {
    const isShown = !this.#state.overlays.has(id);
    const overlays = new Set([...this.#state.overlays].filter((one) => one !== id));
    if (isShown) overlays.add(id);
    this.#change({ overlays });
    try {
      for (const layer of isShown ? await load() : []) {
        if (this.#state.overlays.has(id)) this.#viewer?.labels.add(layer);
      }
    } catch (error) {
      this.#change({ overlays: new Set([...this.#state.overlays].filter((one) => one !== id)) });
      throw error;
    }
    if (!isShown) for (let layer = 0; layer < 8; layer++) this.#viewer?.labels.remove(`${id}-${layer}`);
    this.setStructure(this.#state.structure);
  }

  /** What would change, counts now. */
  acceptPreview(): void {
    const taken = this.#suggestions.take();
    if (taken === undefined) return;
    const { asked, change, model, structure, tool } = taken;
    const { size } = this.options.volume.geometry;
    const source: EditSource = { tool, structure, ...(asked === 'model' ? this.#assisted(model) : {}) };
    this.edit(source, change.layer, (voxels) => applyDelta(voxels, size, change));
  }

  rejectPreview(): void {
    this.#suggestions.drop();
  }

  readonly #pointed = (path: readonly Vector[], { isOpposite }: Gesture): void => {
    const { structure, tool } = this.#state;
    const { asks: asked, gesture: kind } = toolOf(tool);
    if (kind === undefined) return;
    // First: a model is asked when the strokes before are with the reading room.
    this.options.session?.mark({ tool, structure });
    if (asked === undefined) this.#contour(path, isOpposite);
    else void this.#suggestions.point({ asked, tool, structure }, { kind, path, isForeground: !isOpposite });
  };

  /** Fills or erases what a closed line encloses. */
  #contour(path: readonly Vector[], isOpposite: boolean): void {
    const { structure, tool } = this.#state;
    const { size } = this.options.volume.geometry;
    const isErased = (tool === 'cut-contour') !== isOpposite;
    const draw = (voxels: Uint8Array) => {
      for (const [z, y, x] of voxelsInside(path, size)) {
        const at = (z * size[1] + y) * size[2] + x;
        if (!isErased) voxels[at] = structure;
        else if (voxels[at] === structure) voxels[at] = 0;
      }
    };
    const { layer } = this.structureOf(structure);
    const isDrawn = this.edit({ tool, structure }, layer, draw, this.#rule());
    if (!isDrawn) this.#viewer?.render();
  }

  readonly #ask = async ({ asked, structure }: Pointing, pointed: Pointed): Promise<Suggestion> => {
    const { session, volume } = this.options;
    if (session === undefined) return { change: undefined };
    if (asked === 'model') return this.#prompts!.ask(structure, pointed);
    const tool = imageToolOf(asked, this.#state.finding, this.#state.range);
    if (tool === undefined) return { change: undefined };
    const { layer } = this.structureOf(structure);
    const { size, spacingMm } = volume.geometry;
    return findBy(this.#bench, tool, {
      pointed,
      subject: {
        ...{ project: session.name.project, caseId: session.task.caseId, image: volume.voxels, size, spacingMm },
        ...{ layer: { number: layer, voxels: session.editor.layers[layer]! }, structure, rule: this.#rule() },
      },
    });
  };

  /** What the app says of its tools for a structure. */
  #prepareFinding(structure: number): void {
    const { range, ...finding } = findSettingsOf(this.options.appTools ?? [], this.structureOf(structure).name);
    this.#change({ finding, ...(range === undefined ? {} : { range }) });
    if (range !== undefined) this.#viewer?.setRange(range);
  }

  #assisted(model: EditSource['model']): Pick<EditSource, 'phase' | 'model'> {
    return { phase: 'assisted', model };
  }

  readonly #drawn = (id: string, slices: SliceRange): void => {
    const { session, volume } = this.options;
    const layer = layerOf(id);
    if (session === undefined || layer === undefined) return;
    const { structure, tool } = this.#state;
    const rule = this.#rule();
    const { proposal } = this.options;
    if (tool === 'accept' && proposal !== undefined) {
      const slice = volume.geometry.size[1] * volume.geometry.size[2];
      const range = { start: slices.from * slice, end: (slices.to + 1) * slice };
      takeProposed(session.editor.layers[layer]!, proposal.layers[layer]!, range);
    }
    const edit = session.editor.take(layer, { slices, rule, image: volume.voxels });
    // What the rule has taken back is to be seen, also where nothing is left.
    this.#viewer?.labels.changed(id, slices);
    if (edit === undefined) session.mark({ tool, structure });
    else session.tell(edit, { tool, structure, ...(tool === 'accept' ? this.#assisted(proposal?.model) : {}) });
    this.#count();
  };

  #rule(): DrawingRule {
    const { holdsRange, inside, locked, range, structure } = this.#state;
    return {
      locked: new Set([...locked].filter((number) => number !== structure)),
      ...(holdsRange ? { range } : {}),
      ...(inside === undefined ? {} : { inside }),
    };
  }

  #tell(edit: Edit | undefined, source: EditSource): void {
    if (edit === undefined) return;
    const { first, last, layer } = edit.change;
    this.options.session?.tell(edit, source);
    this.#viewer?.labels.changed(layerId(layer), { from: first[0], to: last[0] });
    this.#count();
  }

  readonly #look = (plane: Plane): void => {
    const view = this.#viewer?.viewOf(plane);
    if (view !== undefined) this.#change({ views: { ...this.#state.views, [plane]: view } });
    this.comparison?.follow(plane);
  };

  #showLabels(viewer: CaseViewer): void {
    const { layers, protocol } = this.options;
    for (const [layer, voxels] of layers.entries()) {
      const structures = protocol.structures.filter((structure) => structure.layer === layer);
      viewer.labels.add({ id: layerId(layer), voxels: voxels as Uint8Array<ArrayBuffer>, structures, style: filled });
    }
    this.setStructure(this.#state.structure);
  }

  #count(): void {
    const { protocol, session } = this.options;
    const counted =
      session === undefined ? countsOf(this.options.layers) : (number: number) => session.editor.count(number);
    const volumesMl = Object.fromEntries(
      protocol.structures.map(({ number }) => [number, counted(number) * this.#mlPerVoxel]),
    );
    this.#change({ volumesMl, canUndo: session?.editor.canUndo ?? false, canRedo: session?.editor.canRedo ?? false });
  }

  #change(part: Partial<DeskState>): void {
    this.#state = { ...this.#state, ...part };
    for (const listener of this.#listeners) listener();
  }
}

const layerPrefix = 'label-';

function layerId(layer: number): string {
  return layerPrefix + layer;
}

/** Undefined for what is only looked at. */
function layerOf(id: string): number | undefined {
  return id.startsWith(layerPrefix) ? Number(id.slice(layerPrefix.length)) : undefined;
}

function toggled(set: ReadonlySet<number>, one: number): ReadonlySet<number> {
  return set.has(one) ? new Set([...set].filter((other) => other !== one)) : new Set([...set, one]);
}

function countsOf(layers: readonly Uint8Array[]): (number: number) => number {
  const counts = new Float64Array(256);
  for (const voxels of layers) for (let at = 0; at < voxels.length; at++) counts[voxels[at]!]!++;
  return (number) => counts[number]!;
}
