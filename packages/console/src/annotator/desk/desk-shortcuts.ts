/** Keys at the desk, as reading stations and 3D Slicer have them. */
import { useEffect, useRef } from 'react';
import type { Shortcut } from '../../parts/shortcuts.tsx';
import { drawingTools } from '../viewer/drawing-tool.ts';
import { windowPresets } from '../viewer/grey-window.ts';
import { planes } from '../viewer/view-plane.ts';
import type { Desk } from './desk.ts';

/** Slices of a large step. */
const pageSlices = 10;

export interface DeskKey extends Shortcut {
  /** Of `KeyboardEvent.key` and its modifiers, where `keys` says it in words. */
  readonly fits?: (event: KeyboardEvent) => boolean;
}

const isCommand = (event: KeyboardEvent) => event.ctrlKey || event.metaKey;

export function deskKeys(desk: Desk): readonly DeskKey[] {
  const canDraw = desk.options.session !== undefined;
  const tools = drawingTools
    .filter(({ id }) => desk.offers(id))
    .map(({ does, id, key, name }) => ({ keys: key, does: `${name}: ${does}`, run: () => desk.setTool(id) }));
  const windows = windowPresets.map((preset) => ({
    ...{ keys: preset.key, does: `window for ${preset.name.toLowerCase()}`, run: () => desk.setWindow(preset) },
  }));
  const named = (key: string, does: string, run: () => void): DeskKey => ({
    ...{ keys: key, does, run, fits: (event) => event.key === key && !isCommand(event) },
  });
  const looking: readonly DeskKey[] = [
    ...windows,
    named('ArrowUp', 'one slice back', () => desk.scroll(-1)),
    named('ArrowDown', 'one slice on', () => desk.scroll(1)),
    named('PageUp', `${pageSlices} slices back`, () => desk.scroll(-pageSlices)),
    named('PageDown', `${pageSlices} slices on`, () => desk.scroll(pageSlices)),
    {
      keys: 'v',
      does: 'next plane',
      run: () => desk.setPlane(planes[(planes.indexOf(desk.state().plane) + 1) % planes.length]!),
    },
    { keys: 'h', does: 'hide or show the label', run: () => desk.showLabel(!desk.state().isLabelShown) },
    { keys: 'o', does: 'outline or fill', run: () => desk.outline(!desk.state().isOutlined) },
    { keys: 'r', does: 'reset the pictures', run: () => desk.resetPictures() },
    { keys: 'M', does: 'remove the distances that were measured', run: () => desk.removeLengths() },
    { keys: '.', does: 'next structure', run: () => desk.stepStructure(1) },
    { keys: ',', does: 'structure before', run: () => desk.stepStructure(-1) },
  ];
  const { comparison } = desk;
  const beside: readonly DeskKey[] =
    comparison === undefined || comparison.choices.length === 0
      ? []
      : [{ keys: 'i', does: 'show or hide another series beside', run: () => comparison.toggle() }];
  if (!canDraw) return [...tools, ...looking, ...beside];
  const drawing: readonly DeskKey[] = [
    { keys: ']', does: 'larger brush', run: () => desk.setBrush(desk.state().brushMm + 1) },
    { keys: '[', does: 'smaller brush', run: () => desk.setBrush(desk.state().brushMm - 1) },
    {
      keys: 'Ctrl+Z',
      does: 'undo',
      run: () => desk.undo(),
      fits: (event) => isCommand(event) && event.key.toLowerCase() === 'z' && !event.shiftKey,
    },
    {
      ...{ keys: 'Ctrl+Y', does: 'redo (also Ctrl+Shift+Z)', run: () => desk.redo() },
      fits: (event) =>
        isCommand(event) && (event.key.toLowerCase() === 'y' || (event.key.toLowerCase() === 'z' && event.shiftKey)),
    },
  ];
  const suggested: readonly DeskKey[] = [
    {
      keys: 'Enter',
      does: 'take what a model or a tool suggests',
      run: () => desk.acceptPreview(),
      fits: isForPreview(desk, 'Enter'),
    },
    { keys: 'Escape', does: 'drop it', run: () => desk.rejectPreview(), fits: isForPreview(desk, 'Escape') },
  ];
  return [...tools, ...looking, ...beside, ...drawing, ...suggested];
}

/** Elsewhere the key presses the button that has the focus. */
function isForPreview(desk: Desk, key: string): (event: KeyboardEvent) => boolean {
  return (event) =>
    event.key === key && desk.state().preview !== undefined && !(event.target instanceof HTMLButtonElement);
}

/** Before Cornerstone sees them, which has keys of its own. */
export function useDeskKeys(keys: readonly DeskKey[]): void {
  const current = useRef(keys);
  current.current = keys;
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (event.altKey || isWriting(event) || document.querySelector('[aria-modal="true"]') !== null) return;
      const found = current.current.find(({ fits, keys: key }) =>
        fits === undefined ? event.key === key && !isCommand(event) : fits(event),
      );
      if (found === undefined) return;
      event.preventDefault();
      event.stopPropagation();
      found.run();
    };
    document.addEventListener('keydown', press, { capture: true });
    return () => document.removeEventListener('keydown', press, { capture: true });
  }, []);
}

function isWriting({ key, target }: KeyboardEvent): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target.isContentEditable || /^(?:TEXTAREA|SELECT)$/.test(target.tagName)) return true;
  if (target instanceof HTMLInputElement) return target.type !== 'checkbox' && target.type !== 'radio';
  // A slider and a list have arrows of their own.
  return key.startsWith('Arrow') && target.getAttribute('role') !== 'img' && target.getAttribute('role') !== null;
}
