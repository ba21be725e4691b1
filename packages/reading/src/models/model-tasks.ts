/** What the process of the models is asked and what it answers. Volumes stay there: only runs and numbers come back. */
import type { Catalogue } from '@consilium/archive';
import type { Geometry, Triple } from '@consilium/imaging';
import type { ContrastPhase } from '@consilium/training';
import type { Settlement, SettlementOptions } from '../agreement/settlement.ts';
import type { ModelSteps } from '../apps/app-steps.ts';
import type { LabelDelta } from '../label/label-delta.ts';
import type { CaseDice } from './champion-gate.ts';
import type { StructureOfClass } from './class-mapping.ts';
import type { ClickDice } from './click-curve.ts';

export interface ModelSource {
  readonly digest: string;
  /** Where its files lie, named by their SHA-256. */
  readonly directory: string;
  readonly files: Readonly<Record<string, string>>;
  readonly structures: StructureOfClass;
}

export interface SeriesSource {
  readonly files: ReturnType<Catalogue['filesOf']>;
  readonly phase: ContrastPhase | undefined;
}

/** Layers of a label that was kept, by the SHA-256 of their runs. */
export interface LabelSource {
  readonly directory: string;
  readonly layers: readonly string[];
}

export interface LayerOfStructure {
  readonly structure: number;
  readonly layer: number;
  readonly name: string;
}

/** A label by a model; compared with another where one is given. */
export interface SegmentTask {
  readonly kind: 'segment';
  readonly model: ModelSource;
  readonly series: SeriesSource;
  readonly structures: readonly LayerOfStructure[];
  readonly layers: number;
  /** What the project's app does around the model. */
  readonly steps: ModelSteps;
  readonly against: LabelSource | undefined;
}

export interface Uncertainty {
  /** 0 to 1: over what is drawn, and what might be. */
  readonly case: number;
  /** By the structure's number; of those that are drawn. */
  readonly structures: Readonly<Record<string, number>>;
}

export interface Segmented {
  /** Runs by layer. */
  readonly layers: readonly Uint8Array[];
  /** Runs of a map of 0 to 255, in steps of 17. */
  readonly heat: Uint8Array;
  readonly uncertainty: Uncertainty;
  readonly descriptors: readonly number[];
  readonly dice: CaseDice | undefined;
}

/** How a model that answers to clicks does on a label, by a simulated reader who clicks. */
export interface ClickTask {
  readonly kind: 'click';
  readonly model: ModelSource;
  readonly series: SeriesSource;
  readonly structures: readonly LayerOfStructure[];
  readonly layers: number;
  readonly steps: ModelSteps;
  /** After how many the Dice is wanted, ascending. */
  readonly clicks: readonly number[];
  readonly against: LabelSource;
}

/** Readies an image and what is drawn on it, for prompts. */
export interface OpenSessionTask {
  readonly kind: 'open-session';
  readonly session: string;
  readonly model: ModelSource;
  readonly series: SeriesSource;
  readonly geometry: Geometry;
  readonly layers: number;
  readonly steps: ModelSteps;
  /** What the draft began with; undefined for nothing. */
  readonly base: LabelSource | undefined;
}

export interface PromptClick {
  /** `[z, y, x]` of the case. */
  readonly voxel: Triple;
  /** Whether it lies on the structure, or beside it. */
  readonly isForeground: boolean;
}

export interface Prompt {
  readonly structure: number;
  readonly layer: number;
  /** Those that belong together, the newest last. */
  readonly clicks: readonly PromptClick[];
  /** Outside of it nothing changes. */
  readonly box: { readonly first: Triple; readonly last: Triple } | undefined;
}

export interface PromptTask {
  readonly kind: 'prompt';
  readonly session: string;
  readonly prompt: Prompt;
  /** What was drawn since the last prompt. */
  readonly changes: readonly LabelDelta[];
}

export interface PromptReply {
  /** Undefined if nothing would change. */
  readonly delta: LabelDelta | undefined;
  /** Mean over the region that was looked at, 0 to 1. */
  readonly uncertainty: number;
  /** That region, voxels of the case. */
  readonly region: { readonly first: Triple; readonly last: Triple };
}

interface CloseSessionTask {
  readonly kind: 'close-session';
  readonly session: string;
}

/** How the readers of a case agree, and their consensus. */
export interface SettleTask extends SettlementOptions {
  readonly kind: 'settle';
  readonly readers: readonly LabelSource[];
}

/** Where they disagree. */
export interface DisputeTask {
  readonly kind: 'dispute';
  readonly geometry: Geometry;
  readonly readers: readonly LabelSource[];
}

export type ModelTask =
  | SettleTask
  | DisputeTask
  | SegmentTask
  | ClickTask
  | OpenSessionTask
  | PromptTask
  | CloseSessionTask;

export interface ModelAnswers {
  readonly segment: Segmented;
  readonly click: ClickDice;
  readonly 'open-session': null;
  readonly prompt: PromptReply;
  readonly 'close-session': null;
  readonly settle: Settlement;
  /** Runs of a map of 0 to 255. */
  readonly dispute: Uint8Array;
}

export interface AskMessage {
  readonly number: number;
  readonly task: ModelTask;
}

export type WorkerMessage =
  | { readonly number: number; readonly kind: 'progress'; readonly done: number; readonly total: number }
  | { readonly number: number; readonly kind: 'answer'; readonly answer: ModelAnswers[keyof ModelAnswers] }
  | {
      readonly number: number;
      readonly kind: 'failure';
      readonly code: string;
      readonly message: string;
      /** For the local log. */
      readonly detail: string;
    };
