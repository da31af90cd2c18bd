import { useEffect, useMemo, useState } from 'preact/hooks';
import type { Account } from '#client/account.ts';
import type { Failure } from '#client/failure.ts';
import { Registration } from '#client/registration.ts';
import type { RegistrationRules } from '#signalling/registration.ts';
import { Register } from './register.tsx';
import { Reset } from './reset.tsx';
import { SignIn } from './sign-in.tsx';

type Way = 'signIn' | 'register' | 'reset';

/** The ways in, as far as the homeserver has them. */
export function EntryScreen({ account, failure }: { account: Account; failure: Failure | undefined }) {
  const registration = useMemo(() => new Registration(account.origin), [account]);
  const [rules, setRules] = useState<RegistrationRules>();
  const [way, setWay] = useState<Way>('signIn');
  useEffect(() => {
    // Whoever has an account can sign in without knowing them.
    registration.rules().then(setRules, () => undefined);
  }, [registration]);
  const back = () => setWay('signIn');
  if (way === 'register' && rules && rules.mode !== 'closed') {
    return <Register account={account} registration={registration} rules={rules} onBack={back} />;
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
