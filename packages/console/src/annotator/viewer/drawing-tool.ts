/** What the left button does: the tools of the annotator, the keys that choose them, and what Cornerstone calls them. */
import {
  addTool,
  BrushTool,
  CircleScissorsTool,
  CrosshairsTool,
  LengthTool,
  PaintFillTool,
  PanTool,
  RectangleScissorsTool,
  SphereScissorsTool,
  StackScrollTool,
  TrackballRotateTool,
  WindowLevelTool,
  ZoomTool,
} from '@cornerstonejs/tools';
import type { GestureKind } from './hand-gesture.ts';

export interface DrawingTool {
  readonly id: ToolId;
  readonly name: string;
  readonly key: string;
  /** Whether it changes the label. */
  readonly draws: boolean;
  readonly does: string;
  /** What has to be there for it: a model's proposal, a model that is clicked on, tools of the project's app. */
  readonly needs?: 'proposal' | 'clicks' | 'app';
  /** Who is asked what it comes to, which is shown before it counts; what is pointed out to one is put together. */
  readonly asks?: AskedId;
  /** What the hand does, for tools of ours. */
  readonly gesture?: GestureKind;
  /** Cornerstone's class, or an instance of its brush with a strategy; undefined for tools of ours. */
  readonly cornerstone: { readonly tool: string; readonly strategy?: string } | undefined;
}

export type ToolId =
  | ('window' | 'pan' | 'zoom' | 'crosshair' | 'length')
  | ('circle' | 'sphere' | 'threshold' | 'erase-circle' | 'erase-sphere')
  | ('cut-in' | 'cut-out' | 'ball' | 'box' | 'fill')
  | ('contour' | 'cut-contour' | 'accept')
  | ('threshold-box' | 'grow' | 'cut' | 'own')
  | ('click' | 'prompt-box' | 'prompt-scribble' | 'prompt-lasso');

/** The model that answers prompts, and tools that look for a structure in the image. */
export type AskedId = 'model' | 'threshold-box' | 'grow' | 'cut' | 'own';

const brush = BrushTool.toolName;
export const drawingTools: readonly DrawingTool[] = [
  {
    id: 'crosshair',
    name: 'Crosshair',
    key: 'c',
    draws: false,
    does: 'move the three planes to a point; turn them',
    cornerstone: { tool: CrosshairsTool.toolName },
  },
  {
    id: 'window',
    name: 'Window',
    key: 'w',
    draws: false,
    does: 'change brightness and contrast',
    cornerstone: { tool: WindowLevelTool.toolName },
  },
  { id: 'pan', name: 'Pan', key: 'p', draws: false, does: 'move the picture', cornerstone: { tool: PanTool.toolName } },
  {
    id: 'zoom',
    name: 'Zoom',
    key: 'z',
    draws: false,
    does: 'enlarge the picture',
    cornerstone: { tool: ZoomTool.toolName },
  },
  {
    id: 'length',
    name: 'Length',
    key: 'm',
    draws: false,
    does: 'measure a distance',
    cornerstone: { tool: LengthTool.toolName },
  },
  {
    id: 'circle',
    name: 'Brush',
    key: 'b',
    draws: true,
    does: 'draw a disc on the slice',
    cornerstone: { tool: brush, strategy: 'FILL_INSIDE_CIRCLE' },
  },
  {
    id: 'sphere',
    name: 'Ball brush',
    key: 's',
    draws: true,
    does: 'draw a ball through the slices',
    cornerstone: { tool: brush, strategy: 'FILL_INSIDE_SPHERE' },
  },
  {
    id: 'threshold',
    name: 'Threshold brush',
    key: 't',
    draws: true,
    does: 'draw what is in the range of values',
    cornerstone: { tool: brush, strategy: 'THRESHOLD_INSIDE_SPHERE' },
  },
  {
    id: 'erase-circle',
    name: 'Eraser',
    key: 'e',
    draws: true,
    does: 'erase a disc on the slice',
    cornerstone: { tool: brush, strategy: 'ERASE_INSIDE_CIRCLE' },
  },
  {
    id: 'erase-sphere',
    name: 'Ball eraser',
    key: 'E',
    draws: true,
    does: 'erase a ball through the slices',
    cornerstone: { tool: brush, strategy: 'ERASE_INSIDE_SPHERE' },
  },
  {
    id: 'cut-in',
    name: 'Disc',
    key: 'd',
    draws: true,
    does: 'fill a disc that is dragged open',
    cornerstone: { tool: CircleScissorsTool.toolName, strategy: 'FILL_INSIDE' },
  },
  {
    id: 'ball',
    name: 'Ball',
    key: 'D',
    draws: true,
    does: 'fill a ball that is dragged open',
    cornerstone: { tool: SphereScissorsTool.toolName, strategy: 'FILL_INSIDE' },
  },
  {
    id: 'box',
    name: 'Rectangle',
    key: 'q',
    draws: true,
    does: 'fill a rectangle that is dragged open',
    cornerstone: { tool: RectangleScissorsTool.toolName, strategy: 'FILL_INSIDE' },
  },
  {
    id: 'cut-out',
    name: 'Scissors',
    key: 'x',
    draws: true,
    does: 'erase inside a rectangle',
    cornerstone: { tool: RectangleScissorsTool.toolName, strategy: 'ERASE_INSIDE' },
  },
  {
    id: 'fill',
    name: 'Fill',
    key: 'f',
    draws: true,
    does: 'fill what is enclosed on the slice',
    cornerstone: { tool: PaintFillTool.toolName },
  },
  {
    ...{ id: 'contour', name: 'Contour', key: 'l', draws: true, gesture: 'loop', cornerstone: undefined },
    does: 'fill what a free line encloses',
  },
  {
    ...{ id: 'cut-contour', name: 'Cut contour', key: 'L', draws: true, gesture: 'loop', cornerstone: undefined },
    does: 'erase what a free line encloses',
  },
  {
    ...{ id: 'accept', name: 'Take proposal', key: 'a', draws: true, needs: 'proposal' },
    does: 'take what the model proposes inside a ball',
    cornerstone: { tool: brush, strategy: 'FILL_INSIDE_SPHERE' },
  },
  {
    ...{ id: 'threshold-box', name: 'Range in a box', key: 'T', draws: true, asks: 'threshold-box' },
    ...{ gesture: 'rectangle', cornerstone: undefined },
    does: 'find what is in the range of values in a box',
  },
  {
    ...{ id: 'grow', name: 'Grow', key: 'u', draws: true, asks: 'grow', gesture: 'line', cornerstone: undefined },
    does: 'find what is connected and as bright as what is pointed at; Shift bars the way',
  },
  {
    ...{ id: 'cut', name: 'Cut by scribbles', key: 'j', draws: true, asks: 'cut' },
    ...{ gesture: 'line', cornerstone: undefined },
    does: 'scribble on the structure, and with Shift beside it',
  },
  {
    ...{ id: 'own', name: 'App’s tool', key: 'J', draws: true, needs: 'app', asks: 'own' },
    ...{ gesture: 'line', cornerstone: undefined },
    does: 'scribble on the structure, and with Shift beside it, for a tool of the project’s app',
  },
  {
    ...{ id: 'click', name: 'Click', key: 'k', draws: true, needs: 'clicks', asks: 'model' },
    ...{ gesture: 'point', cornerstone: undefined },
    does: 'point at what belongs to the structure, with Shift at what does not',
  },
  {
    ...{ id: 'prompt-scribble', name: 'Scribble for model', key: 'K', draws: true, needs: 'clicks', asks: 'model' },
    ...{ gesture: 'line', cornerstone: undefined },
    does: 'scribble on what belongs to the structure, with Shift on what does not',
  },
  {
    ...{ id: 'prompt-box', name: 'Box for model', key: 'B', draws: true, needs: 'clicks', asks: 'model' },
    ...{ gesture: 'rectangle', cornerstone: undefined },
    does: 'drag a box outside of which the model changes nothing',
  },
  {
    ...{ id: 'prompt-lasso', name: 'Lasso for model', key: 'S', draws: true, needs: 'clicks', asks: 'model' },
    ...{ gesture: 'loop', cornerstone: undefined },
    does: 'circle the structure on a slice of the series',
  },
];

export function toolOf(id: ToolId): DrawingTool {
  return drawingTools.find((tool) => tool.id === id)!;
}

/** Tells Cornerstone of the classes, once a page. */
export function registerTools(): void {
  for (const tool of [
    WindowLevelTool,
    PanTool,
    ZoomTool,
    StackScrollTool,
    CrosshairsTool,
    LengthTool,
    TrackballRotateTool,
  ])
    addTool(tool);
  for (const tool of [BrushTool, CircleScissorsTool, SphereScissorsTool, RectangleScissorsTool, PaintFillTool])
    addTool(tool);
}
