/** A page of a console: its address, its name, the key that goes to it after `g`, and who may see it. */
import type { Permission } from '@consilium/people/api';

export interface ConsolePage {
  readonly path: string;
  readonly name: string;
  readonly key: string;
  readonly needs: Permission;
}

/** What waits on a page. */
export interface PageMark {
  readonly count: number;
  readonly noun: string;
  readonly color: string;
}
