/** What the service that served the page is called, and how its owner gets in: the pages of people are the same everywhere. */
import { createContext, useContext } from 'react';

export interface ServiceWords {
  /** As in "the link of the …". */
  readonly noun: 'archive' | 'coordinator';
  readonly openCommand: string;
}

const archiveWords: ServiceWords = {
  noun: 'archive',
  openCommand: 'consilium archive open --directory …',
};
export const coordinatorWords: ServiceWords = {
  noun: 'coordinator',
  openCommand: 'consilium coordinator open --directory …',
};

const context = createContext(archiveWords);
export const ServiceWordsProvider = context.Provider;

export function useServiceWords(): ServiceWords {
  return useContext(context);
}
