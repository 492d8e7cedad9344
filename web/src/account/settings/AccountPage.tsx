// SPDX-License-Identifier: Apache-2.0
import { useCallback, useEffect, useState } from 'react';
import { AccountError, type Me } from '../api';
import { SignIn } from '../SignIn';
import { readWays, type Ways } from './api';
import { Blocks } from './Blocks';
import { Elsewhere } from './Elsewhere';
import { OwnData } from './OwnData';
import { Passkeys } from './Passkeys';
import { Password } from './Password';
import { WhoMayCall } from './WhoMayCall';
import './settings.css';

interface Props {
  me: Me;
  onSignedIn: (me: Me) => void;
  onSignedOut: () => void;
}

/** How one gets in, who may call, and what is kept. */
export default function AccountPage({ me, onSignedIn, onSignedOut }: Props) {
  const [ways, setWays] = useState<Ways>();
  const [fault, setFault] = useState('');
  const [stale, setStale] = useState(false);
  const onCode = useCallback(
    (code: string) => {
      if (code === 'unauthorized') onSignedOut();
      if (code === 'sign_in_again') setStale(true);
    },
    [onSignedOut],
  );
  const again = useCallback(
    () =>
      readWays().then(setWays, (error: unknown) => {
        setFault(
          error instanceof AccountError ? error.message : 'Something went wrong. Load the page again.',
        );
        if (error instanceof AccountError) onCode(error.code);
      }),
    [onCode],
  );
  useEffect(() => {
    void again();
  }, [again]);

  if (stale) {
    return (
      <div className="own">
        <p className="fault" role="alert">
          For your safety this is for who has just signed in. Sign in again, then go on.
        </p>
        <SignIn
          open={false}
          onSignedIn={(who) => {
            setStale(false);
            onSignedIn(who);
            void again();
          }}
        />
        <button className="link-button" type="button" onClick={() => setStale(false)}>
          Not now
        </button>
      </div>
    );
  }
  return (
    <div className="own">
      {fault && (
        <p className="fault" role="alert">
          {fault}
        </p>
      )}
      {ways && (
        <>
          <Passkeys passkeys={ways.passkeys} again={again} onCode={onCode} />
          <Password there={ways.password} id={me.id} again={again} onCode={onCode} />
          <Elsewhere sessions={ways.sessions} again={again} onCode={onCode} />
        </>
      )}
      <WhoMayCall onCode={onCode} />
      <Blocks onCode={onCode} />
      <OwnData me={me} onCode={onCode} onDeleted={onSignedOut} />
    </div>
  );
}
