/** The pages that who is logged in may see, with what waits on each of them. */
import { Badge, NavLink } from '@mantine/core';
import { Link, useLocation } from 'wouter';
import type { ConsolePage, PageMark } from './console-page.ts';
import { wholeNumber } from './quantity.ts';

export interface ConsoleNavigationProps {
  readonly pages: readonly ConsolePage[];
  /** By the path of the page. */
  readonly marks: Readonly<Record<string, PageMark | undefined>>;
}

export function ConsoleNavigation({ marks, pages }: ConsoleNavigationProps) {
  const [location] = useLocation();
  return pages.map(({ name, path }) => {
    const isHere = path === '/' ? location === '/' : location.startsWith(path);
    const mark = marks[path];
    return (
      <NavLink
        key={path}
        component={Link}
        href={path}
        label={name}
        active={isHere}
        variant="filled"
        {...(isHere ? { 'aria-current': 'page' as const } : {})}
        rightSection={
          mark !== undefined && mark.count > 0 ? (
            <Badge color={mark.color} size="sm" aria-label={`${wholeNumber(mark.count)} ${mark.noun}`}>
              {wholeNumber(mark.count)}
            </Badge>
          ) : undefined
        }
      />
    );
  });
}
