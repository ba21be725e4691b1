/** Colours that stay apart for colour-blind readers (Okabe and Ito, Color Universal Design, 2008) and in print. */
import type { Arm } from './comparison.ts';

export const armColours: Readonly<Record<Arm, string>> = {
  federated: '#0072b2',
  local: '#d55e00',
  'local-elsewhere': '#d55e00',
  'local-at-home': '#d55e00',
  pooled: '#4a5260',
};

/** For sites; more of them begin again, and are told apart by their names. */
export const siteColours = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9'] as const;

/** Vega symbol shapes, so that no figure depends on colour alone. */
export const armShapes: Readonly<Record<Arm, string>> = {
  federated: 'circle',
  local: 'square',
  'local-elsewhere': 'triangle-right',
  'local-at-home': 'triangle-up',
  pooled: 'diamond',
};

/** For series of any number; with as many colours as `siteColours` has, thirty are told apart. */
export const seriesShapes = ['circle', 'square', 'triangle-up', 'diamond', 'cross'] as const;

export const ink = { text: '#1c2430', muted: '#5b6472', rule: '#d5dae1', faint: '#eef1f5' } as const;

/** White to deep blue, evenly darker; with the text colour that is readable on it. `share` in 0 .. 1. */
export function heat(share: number): { background: string; text: string } {
  const stops = [
    [247, 250, 253],
    [198, 219, 239],
    [107, 174, 214],
    [33, 113, 181],
    [8, 48, 107],
  ] as const;
  const position = Math.min(1, Math.max(0, share)) * (stops.length - 1);
  const below = Math.min(stops.length - 2, Math.floor(position));
  const mixed = stops[below]!.map((value, channel) =>
    Math.round(value + (position - below) * (stops[below + 1]![channel]! - value)),
  );
  return { background: `rgb(${mixed.join(', ')})`, text: position >= 2.4 ? '#ffffff' : ink.text };
}
