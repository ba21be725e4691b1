/** For who has logged in with a password that somebody else has set: nothing else can be done before. */
import { FirstThings } from './first-things.tsx';
import { PasswordForm } from './password-form.tsx';

export function FirstPassword({ display }: { display: string }) {
  return (
    <FirstThings
      title="Choose a password"
      why={`${display}, the password that you were given is known to somebody else. The one that you choose now is yours alone.`}
      maw={480}
    >
      <PasswordForm onDone={() => {}} />
    </FirstThings>
  );
}
