// SPDX-License-Identifier: Apache-2.0
import { useState, type SyntheticEvent } from 'react';
import { AccountError, signInByPassword, signUpByPassword, type Me } from './api';
import { passkeysWork, signInByPasskey, signUpByPasskey } from './passkey';
import './account.css';

interface Props {
  /** May somebody new sign up? */
  open: boolean;
  onSignedIn: (me: Me) => void;
}

/** Passkey first; a password for who has none. */
export function SignIn({ open, onSignedIn }: Props) {
  const [fresh, setFresh] = useState(false);
  const [display, setDisplay] = useState('');
  const [name, setName] = useState('');
  const [password, setPassword] = useState('');
  const [fault, setFault] = useState('');
  const [busy, setBusy] = useState(false);
  const passkeys = passkeysWork();

  const run = (how: () => Promise<Me>) => {
    setBusy(true);
    setFault('');
    how().then(onSignedIn, (error: unknown) => {
      setBusy(false);
      setFault(error instanceof AccountError ? error.message : 'Something went wrong. Try again.');
    });
  };
  const byPassword = (event: SyntheticEvent) => {
    event.preventDefault();
    run(() =>
      fresh
        ? signUpByPassword(name.trim(), display.trim(), password)
        : signInByPassword(name.trim(), password),
    );
  };
  const byPasskey = () =>
    run(() => (fresh ? signUpByPasskey(name.trim(), display.trim()) : signInByPasskey()));

  return (
    <form className="sign-in" onSubmit={byPassword} aria-label={fresh ? 'Sign up' : 'Sign in'}>
      <p className="note">
        {fresh
          ? 'With an AuraID people can call you, on all your devices.'
          : 'Sign in to call people by their AuraID, and to be called.'}
      </p>
      {fresh && (
        <label className="field">
          <span>Name that others see</span>
          <input
            value={display}
            required
            maxLength={60}
            autoComplete="name"
            onChange={(e) => setDisplay(e.target.value)}
          />
        </label>
      )}
      {passkeys && !fresh && (
        <button className="main-button" type="button" disabled={busy} onClick={byPasskey}>
          Sign in with a passkey
        </button>
      )}
      {passkeys && !fresh && <p className="sign-in-or">or with a password</p>}
      <label className="field">
        <span>{fresh ? 'Your AuraID: @name.aura' : 'Your AuraID'}</span>
        <input
          value={name}
          required
          maxLength={38}
          autoComplete="username"
          autoCapitalize="none"
          spellCheck={false}
          placeholder={fresh ? 'name' : '@name.aura'}
          onChange={(e) => setName(e.target.value)}
        />
      </label>
      {passkeys && fresh && (
        <button
          className="main-button"
          type="button"
          disabled={busy || !name.trim() || !display.trim()}
          onClick={byPasskey}
        >
          Sign up with a passkey
        </button>
      )}
      {passkeys && fresh && <p className="sign-in-or">or with a password</p>}
      <label className="field">
        <span>{fresh ? 'Password, 10 characters or more' : 'Password'}</span>
        <input
          type="password"
          value={password}
          required
          minLength={fresh ? 10 : 1}
          maxLength={256}
          autoComplete={fresh ? 'new-password' : 'current-password'}
          onChange={(e) => setPassword(e.target.value)}
        />
      </label>
      {fault && (
        <p className="fault" role="alert">
          {fault}
        </p>
      )}
      <button className={passkeys ? 'plain-button' : 'main-button'} type="submit" disabled={busy}>
        {fresh ? 'Sign up with a password' : 'Sign in with a password'}
      </button>
      {open && (
        <button className="link-button" type="button" onClick={() => setFresh(!fresh)}>
          {fresh ? 'I have an account: sign in' : 'New here? Sign up'}
        </button>
      )}
    </form>
  );
}
