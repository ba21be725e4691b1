/**
 * Before any page: whoever is not logged in logs in, whoever has a password of somebody else's chooses another, whoever
 * must have a second factor sets it up.
 */
import { Skeleton } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useEffect } from 'react';
import { ErrorView } from '../parts/error-view.tsx';
import { LoginPage } from '../parts/login-page.tsx';
import { ServiceError } from '../parts/service-error.ts';
import { logOut, whoAsks } from '../parts/session.ts';
import { every, nowMs } from '../ports/browser-clock.ts';
import { FirstPassword } from './first-password.tsx';
import { FirstSecondFactor } from './first-second-factor.tsx';

export function Entrance({ children }: { children: ReactNode }) {
  const session = useQuery(whoAsks);
  useIdleEnd(session.data?.idleMs);
  if (session.error instanceof ServiceError && session.error.status === 401) return <LoginPage />;
  if (session.data?.isPasswordDue) return <FirstPassword display={session.data.display} />;
  if (session.data !== undefined) {
    const { display, isSecondFactorWanted } = session.data;
    return (
      <FirstSecondFactor display={display} isWanted={isSecondFactorWanted}>
        {children}
      </FirstSecondFactor>
    );
  }
  if (session.error) {
    return (
      <main style={{ padding: 'var(--mantine-spacing-xl)' }}>
        <ErrorView error={session.error} onRetry={() => void session.refetch()} />
      </main>
    );
  }
  return <Skeleton height="100dvh" aria-label="Loading" role="status" />;
}

/** Of all tabs together: when a hand was last on mouse or keyboard. */
const activeKey = 'consilium-active-ms';
const lookEveryMs = 20_000;

/** A page asks by itself, so that to the service it is never idle: the page knows better. */
function useIdleEnd(idleMs: number | undefined): void {
  useEffect(() => {
    if (idleMs === undefined) return undefined;
    let writtenMs = 0;
    const note = () => {
      const now = nowMs();
      if (now - writtenMs < 1000) return;
      writtenMs = now;
      localStorage.setItem(activeKey, String(now));
    };
    note();
    const signs = ['pointerdown', 'pointermove', 'keydown', 'wheel'] as const;
    for (const sign of signs) window.addEventListener(sign, note, { passive: true });
    const stop = every(Math.min(lookEveryMs, idleMs), () => {
      if (nowMs() - Number(localStorage.getItem(activeKey) ?? 0) < idleMs) return;
      stop();
      const reload = () => location.reload();
      // The session may be over already.
      logOut().then(reload, reload);
    });
    return () => {
      stop();
      for (const sign of signs) window.removeEventListener(sign, note);
    };
  }, [idleMs]);
}
