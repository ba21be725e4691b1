/** The tools that come with Consilium, as the thread of an app's code calls them. */
import type { Triple } from '@consilium/imaging';
import { growRegion } from '../tools/region-growing.ts';
import { cutByScribbles } from '../tools/scribbles.ts';
import { threshold } from '../tools/threshold.ts';
import type { AppTool } from './app-schema.ts';
import type { ToolCall } from './case-tool.ts';

type ShippedTool = Extract<AppTool, { tool: 'threshold' | 'region-growing' | 'scribbles' }>;

/** @returns 1 in the structure `[z, y, x]` of the box. What is marked outside is a barrier. */
export function shippedTool(tool: ShippedTool, call: ToolCall): Uint8Array {
  const { inside, outside, size } = call;
  switch (tool.tool) {
    case 'threshold': {
      const found = threshold(call, tool);
      return found.map((value, at) => (outside[at] === 1 ? 0 : value));
    }
    case 'region-growing': {
      const { iterations, multiplier, radius } = tool;
      return growRegion(call, { seeds: voxelsOf(inside, size), iterations, multiplier, radius, barrier: outside });
    }
    case 'scribbles':
      return cutByScribbles(call, { foreground: inside, background: outside, smoothness: tool.smoothness });
  }
}

function voxelsOf(mask: Uint8Array, [, rows, columns]: Triple): readonly Triple[] {
  const voxels: Triple[] = [];
  for (let at = 0; at < mask.length; at++) {
    if (mask[at] === 0) continue;
    voxels.push([Math.floor(at / (rows * columns)), Math.floor(at / columns) % rows, at % columns]);
  }
  return voxels;
}
