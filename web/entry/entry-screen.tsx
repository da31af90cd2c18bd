import { useEffect, useMemo, useState } from 'preact/hooks';
import type { Account } from '#client/account.ts';
import type { Failure } from '#client/failure.ts';
import { Registration } from '#client/registration.ts';
import type { RegistrationRules } from '#signalling/registration.ts';
import { invitationIn } from './names.ts';
import { Register } from './register.tsx';
import { Reset } from './reset.tsx';
import { SignIn } from './sign-in.tsx';

type Way = 'signIn' | 'register' | 'reset';

/** The ways in, as far as the homeserver has them. */
export function EntryScreen({ account, failure }: { account: Account; failure: Failure | undefined }) {
  const registration = useMemo(() => new Registration(account.origin), [account]);
  const invitation = useMemo(takeInvitation, []);
  const [rules, setRules] = useState<RegistrationRules>();
  const [way, setWay] = useState<Way>(invitation === undefined ? 'signIn' : 'register');
  useEffect(() => {
    // Whoever has an account can sign in without knowing them.
    registration.rules().then(setRules, () => undefined);
  }, [registration]);
  const back = () => setWay('signIn');
  if (way === 'register' && rules && rules.mode !== 'closed') {
    return (
      <Register account={account} registration={registration} rules={rules} invitation={invitation} onBack={back} />
    );
  }
  if (way === 'reset' && rules) {
    return <Reset account={account} registration={registration} rules={rules} onBack={back} />;
  }
  return (
    <SignIn
      account={account}
      rules={rules}
      failure={failure}
      onRegister={() => setWay('register')}
      onReset={() => setWay('reset')}
    />
  );
}

/** It lets somebody in, so it does not stay in the address, where it would be copied and looked at. */
function takeInvitation(): string | undefined {
  const invitation = invitationIn(location.hash);
  if (invitation !== undefined) history.replaceState(null, '', location.pathname);
  return invitation;
}
