/**
 * The interface between the reading room and its pages: the table of routes with their schemas, and what the annotator has in
 * common with the server, so that a label is drawn on in both in the same way. Pure: what a browser may see of this package.
 */
export { type Protocol, type ProtocolInput, protocolSchema, type Structure } from './contract/protocol-schema.ts';
export { type Answer, type Asked, type RouteContract, type RouteName, routeTable } from './contract/route-table.ts';
export { applyDelta, deltaBetween, deltaCounts, type LabelDelta } from './label/label-delta.ts';
export { decodeRuns, encodeRuns } from './label/run-length.ts';
export { replay, type Stroke, type StrokeHistory } from './label/stroke-history.ts';
export { ReadingError } from './reading-error.ts';
export { type LabelOperation, operate, reachMm } from './tools/label-operations.ts';
export { growRegion, type RegionGrowing } from './tools/region-growing.ts';
export { cutByScribbles, type Scribbles } from './tools/scribbles.ts';
export { threshold } from './tools/threshold.ts';
export { boxAround, type ToolBox, type ToolVolume } from './tools/tool-volume.ts';
export { activeTimeOf, type Mark, type Phase } from './workflow/active-time.ts';
export { Role, TaskState } from './workflow/task-state.ts';
