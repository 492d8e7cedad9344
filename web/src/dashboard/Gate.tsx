// SPDX-License-Identifier: Apache-2.0
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useTheme } from '../app/useTheme';
import { api, take, type Session } from './api/client';
import { wordsOf } from './api/errors';
import { SESSION } from './api/queries';
import { OperatorContext } from './api/useOperator';
import { App } from './App';
import { SetUp } from './pages/SetUp';
import { SignIn } from './pages/SignIn';

/** Nobody gets past it without being signed in; the server sees to that, this only shows the right page. */
export function Gate() {
  const theme = useTheme();
  const queries = useQueryClient();
  const { data, error } = useQuery({
    queryKey: SESSION,
    queryFn: () => take(api.GET('/api/v1/session')),
    staleTime: 60_000,
  });
  const enter = (session: Session) => {
    queries.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== SESSION[0] }); // somebody else's
    queries.setQueryData(SESSION, session);
  };
  if (data?.operator) {
    return (
      <OperatorContext value={data.operator}>
        <App theme={theme} />
      </OperatorContext>
    );
  }
  if (data) {
    return data.set_up ? <SignIn theme={theme} onEnter={enter} /> : <SetUp theme={theme} onEnter={enter} />;
  }
  return (
    <main className="wait">
      {error ? (
        <p className="fault" role="alert">
          {wordsOf(error)}
        </p>
      ) : (
        <p>One moment…</p>
      )}
    </main>
  );
}
