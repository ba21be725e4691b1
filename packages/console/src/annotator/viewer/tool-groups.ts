/** Which tools the pictures have, and which button does what: of the case, of a series beside it, of bodies. */
import {
  PanTool,
  StackScrollTool,
  Enums as ToolEnums,
  ToolGroupManager,
  type Types as ToolTypes,
  TrackballRotateTool,
  WindowLevelTool,
  ZoomTool,
} from '@cornerstonejs/tools';
import { type DrawingTool, drawingTools, type ToolId, toolOf } from './drawing-tool.ts';

const { MouseBindings, KeyboardBindings } = ToolEnums;

/** With all tools of reading and drawing. */
export function caseTools(groupId: string): ToolTypes.IToolGroup {
  const group = freshGroup(groupId);
  for (const { cornerstone, id } of drawingTools) {
    if (cornerstone === undefined) continue;
    const { strategy, tool: name } = cornerstone;
    if (strategy === undefined) group.addTool(name);
    else group.addToolInstance(id, name, { activeStrategy: strategy, defaultStrategy: strategy });
  }
  group.addTool(StackScrollTool.toolName);
  group.setToolActive(StackScrollTool.toolName, { bindings: [{ mouseButton: MouseBindings.Wheel }] });
  for (const id of ['window', 'pan', 'zoom'] as const) {
    group.setToolActive(cornerstoneName(toolOf(id))!, { bindings: otherBindings(id) });
  }
  return group;
}

/** To look only: the left button windows. */
export function lookingTools(groupId: string): ToolTypes.IToolGroup {
  return boundTools(groupId, [
    [WindowLevelTool.toolName, MouseBindings.Primary],
    [PanTool.toolName, MouseBindings.Auxiliary],
    [ZoomTool.toolName, MouseBindings.Secondary],
    [StackScrollTool.toolName, MouseBindings.Wheel],
  ]);
}

/** To turn bodies. */
export function surfaceTools(groupId: string): ToolTypes.IToolGroup {
  return boundTools(groupId, [
    [TrackballRotateTool.toolName, MouseBindings.Primary],
    [PanTool.toolName, MouseBindings.Auxiliary],
    [ZoomTool.toolName, MouseBindings.Secondary],
  ]);
}

export function dropTools(groupId: string): void {
  ToolGroupManager.destroyToolGroup(groupId);
}

/** Gives the left button to a tool, in place of another. */
export function chooseTool(group: ToolTypes.IToolGroup, tool: DrawingTool, before: DrawingTool): void {
  const nameBefore = cornerstoneName(before);
  if (nameBefore !== undefined) {
    group.setToolPassive(nameBefore, { removeAllBindings: [{ mouseButton: MouseBindings.Primary }] });
    if (before.id === 'crosshair') group.setToolDisabled(nameBefore);
  }
  const name = cornerstoneName(tool);
  const bindings = [{ mouseButton: MouseBindings.Primary }, ...otherBindings(tool.id)];
  if (name !== undefined) group.setToolActive(name, { bindings });
}

function freshGroup(groupId: string): ToolTypes.IToolGroup {
  ToolGroupManager.destroyToolGroup(groupId);
  return ToolGroupManager.createToolGroup(groupId)!;
}

function boundTools(
  groupId: string,
  tools: readonly (readonly [name: string, mouseButton: ToolEnums.MouseBindings])[],
): ToolTypes.IToolGroup {
  const group = freshGroup(groupId);
  for (const [name, mouseButton] of tools) {
    group.addTool(name);
    group.setToolActive(name, { bindings: [{ mouseButton }] });
  }
  return group;
}

/** The tools by the names under which the group has them: a brush is there once for each of its strategies. */
function cornerstoneName({ cornerstone, id }: DrawingTool): string | undefined {
  return cornerstone?.strategy === undefined ? cornerstone?.tool : id;
}

/** What a tool does besides, whichever the left button has. */
function otherBindings(id: ToolId): ToolTypes.IToolBinding[] {
  switch (id) {
    case 'window':
      return [{ mouseButton: MouseBindings.Primary, modifierKey: KeyboardBindings.Shift }];
    case 'pan':
      return [{ mouseButton: MouseBindings.Auxiliary }];
    case 'zoom':
      return [{ mouseButton: MouseBindings.Secondary }];
    default:
      return [];
  }
}
