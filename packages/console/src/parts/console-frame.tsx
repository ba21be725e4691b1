/** The frame of a console's pages: where one can go, whether what is shown is live, keys, and the page itself. */
import { AppShell, Skeleton } from '@mantine/core';
import { useDisclosure, useMediaQuery } from '@mantine/hooks';
import { type ReactNode, Suspense, useEffect } from 'react';
import { useLocation } from 'wouter';
import classes from './console-frame.module.css';
import { ConsoleHeader } from './console-header.tsx';
import { ConsoleNavigation } from './console-navigation.tsx';
import type { ConsolePage, PageMark } from './console-page.ts';
import { FaultBoundary } from './fault-boundary.tsx';
import type { LiveSign } from './live-events.ts';
import { type Shortcut, ShortcutList, useShortcuts } from './shortcuts.tsx';

export interface ConsoleFrameProps {
  /** Whose console it is. */
  readonly badge: string;
  /** Undefined for who may see nothing that changes. */
  readonly live: LiveSign | undefined;
  /** Those that who is logged in may see. */
  readonly pages: readonly ConsolePage[];
  /** By the path of the page. */
  readonly marks: Readonly<Record<string, PageMark | undefined>>;
  readonly shortcuts?: readonly Shortcut[];
  /** Below the pages. */
  readonly links?: ReactNode;
  readonly children: ReactNode;
}

export function ConsoleFrame({ badge, children, links, live, marks, pages, shortcuts: own = [] }: ConsoleFrameProps) {
  const [menuOpen, menu] = useDisclosure(false);
  const [helpOpen, help] = useDisclosure(false);
  const [location, navigate] = useLocation();
  const isNarrow = useMediaQuery('(max-width: 47.99em)');
  // biome-ignore lint/correctness/useExhaustiveDependencies: going somewhere closes the menu.
  useEffect(menu.close, [location]);
  const shortcuts: readonly Shortcut[] = [
    { keys: '?', does: 'show this list', run: help.open },
    ...own,
    ...pages.map(({ key, name, path }) => ({
      ...{ keys: `g ${key}`, does: `go to ${name}`, run: () => navigate(path) },
    })),
  ];
  useShortcuts(shortcuts);
  return (
    <AppShell
      header={{ height: 56 }}
      navbar={{ width: 216, breakpoint: 'sm', collapsed: { mobile: !menuOpen } }}
      padding="md"
    >
      <button type="button" className={classes['skip']} onClick={skipToContent}>
        Skip to the content
      </button>
      <AppShell.Header>
        <ConsoleHeader badge={badge} live={live} isMenuOpen={menuOpen} onMenu={menu.toggle} onHelp={help.open} />
      </AppShell.Header>
      <AppShell.Navbar p="xs" aria-label="Pages" inert={isNarrow === true && !menuOpen}>
        <ConsoleNavigation pages={pages} marks={marks} />
        {links}
      </AppShell.Navbar>
      <AppShell.Main id="content" tabIndex={-1}>
        <FaultBoundary place={location}>
          <Suspense fallback={<Skeleton height={400} aria-label="Loading" role="status" />}>{children}</Suspense>
        </FaultBoundary>
      </AppShell.Main>
      <ShortcutList shortcuts={shortcuts} opened={helpOpen} onClose={help.close} />
    </AppShell>
  );
}

/** No link: the fragment is the page's address. */
function skipToContent(): void {
  document.getElementById('content')?.focus();
}
