/** For who has logged in and must have a second factor: nothing else can be done before. */
import { useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { FirstThings } from './first-things.tsx';
import { SecondFactorSteps } from './second-factor.tsx';

interface FirstSecondFactorProps {
  readonly display: string;
  readonly isWanted: boolean;
  /** What comes afterwards. */
  readonly children: ReactNode;
}

export function FirstSecondFactor({ children, display, isWanted }: FirstSecondFactorProps) {
  const client = useQueryClient();
  // Until the recovery codes are read, whatever the service says meanwhile.
  const [isOpen, setOpen] = useState(isWanted);
  if (isWanted && !isOpen) setOpen(true);
  if (!isOpen) return children;
  const goOn = async () => {
    await client.resetQueries();
    setOpen(false);
  };
  return (
    <FirstThings
      title="Set up a second factor"
      why={`${display}, your roles need one here, before anything else is done.`}
      maw={560}
    >
      <SecondFactorSteps own={undefined} onChange={async () => {}} onDone={() => void goOn()} />
    </FirstThings>
  );
}
