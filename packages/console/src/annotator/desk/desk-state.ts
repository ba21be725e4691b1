/** What is on the desk, and how it stands. */
import type { Protocol } from '@consilium/reading/api';
import type { CaseOverlay } from '../case/case-overlay.ts';
import type { CaseVolume } from '../case/case-volume.ts';
import type { AppTool, FindSettings } from '../case/find-settings.ts';
import type { TaskSession } from '../case/task-session.ts';
import type { WireStroke } from '../reading-asking.ts';
import type { ToolId } from '../viewer/drawing-tool.ts';
import type { GreyWindow } from '../viewer/grey-window.ts';
import type { PlaneView } from '../viewer/plane-viewport.ts';
import type { Plane } from '../viewer/view-plane.ts';
import type { Comparison } from './comparison.ts';
import type { Preview } from './suggestions.ts';

export interface DeskState {
  readonly tool: ToolId;
  readonly structure: number;
  readonly brushMm: number;
  /** Values that the threshold brush draws, and to which the others are held if `holdsRange`. */
  readonly range: readonly [number, number];
  readonly holdsRange: boolean;
  /** The structure inside which alone is drawn. */
  readonly inside: number | undefined;
  readonly finding: FindSettings;
  readonly hidden: ReadonlySet<number>;
  readonly locked: ReadonlySet<number>;
  readonly isLabelShown: boolean;
  readonly isOutlined: boolean;
  readonly window: GreyWindow;
  readonly plane: Plane;
  readonly views: Readonly<Partial<Record<Plane, PlaneView>>>;
  /** Of the image that has come, 0 to 1. */
  readonly share: number;
  readonly volumesMl: Readonly<Record<number, number>>;
  readonly canUndo: boolean;
  readonly canRedo: boolean;
  /** Names of the overlays that are shown. */
  readonly overlays: ReadonlySet<string>;
  readonly preview: Preview | undefined;
}

/** A model's label with which drawing began. */
export interface DeskProposal {
  readonly version: string;
  readonly model: WireStroke['model'];
  readonly layers: readonly Uint8Array[];
}

export interface DeskOptions {
  readonly protocol: Protocol;
  readonly volume: CaseVolume;
  /** Voxels by layer; those of the session, if there is one. */
  readonly layers: readonly Uint8Array[];
  readonly session?: TaskSession | undefined;
  readonly proposal?: DeskProposal | undefined;
  /** Whether a model answers prompts. */
  readonly hasClicks?: boolean;
  /** Of the project's app. */
  readonly appTools?: readonly AppTool[];
  /** With other series of the patient, if there are any. */
  readonly comparison?: Comparison | undefined;
  /** What else can be looked at. */
  readonly overlays?: readonly CaseOverlay[];
  /** What became of something pointed out that was not answered. */
  readonly onTrouble?: (error: unknown) => void;
}
