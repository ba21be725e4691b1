/** Which structure of the protocol each class of a model is: by name, unless it is said. */
import type { SegmentationClass } from '@consilium/training';
import type { Protocol } from '../contract/protocol-schema.ts';
import { ReadingError } from '../reading-error.ts';

/** Number of the structure by class name; classes that the protocol does not draw are left out. */
export type StructureOfClass = Readonly<Record<string, number>>;

/**
 * @param said null for a class that is not to be drawn.
 * @throws ReadingError `reading.model-structures` if none is drawn, or a class or structure is said that there is not.
 */
export function structuresOfClasses(
  classes: readonly SegmentationClass[],
  { structures }: Pick<Protocol, 'structures'>,
  said: Readonly<Record<string, number | null>> = {},
): StructureOfClass {
  const unknown =
    Object.keys(said).some((name) => !classes.some((one) => one.name === name)) ||
    Object.values(said).some((number) => number !== null && !structures.some((one) => one.number === number));
  if (unknown) throw wrong('A class or a structure is named that the model or the protocol does not have.');
  const mapped: Record<string, number> = {};
  for (const { name } of classes) {
    const byName = structures.find((one) => one.name.toLowerCase() === name.toLowerCase())?.number;
    const number = Object.hasOwn(said, name) ? said[name]! : byName;
    if (number !== undefined && number !== null) mapped[name] = number;
  }
  if (Object.keys(mapped).length === 0) {
    throw wrong('No class of the model is a structure of the protocol. Say which is which.');
  }
  return mapped;
}

function wrong(message: string): ReadingError {
  return new ReadingError('reading.model-structures', message);
}
