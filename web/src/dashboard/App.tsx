// SPDX-License-Identifier: Apache-2.0
import { Route, Switch } from 'wouter';
import type { Theme } from '../app/useTheme';
import { useLive } from './api/useLive';
import { Aic } from './pages/Aic';
import { Audit } from './pages/Audit';
import { Nodes } from './pages/Nodes';
import { NotHere } from './pages/NotHere';
import { Operators } from './pages/Operators';
import { Overview } from './pages/Overview';
import { Participant } from './pages/Participant';
import { Projects } from './pages/Projects';
import { Recordings } from './pages/Recordings';
import { Room } from './pages/Room';
import { Rooms } from './pages/Rooms';
import { Track } from './pages/Track';
import { Webhooks } from './pages/Webhooks';
import { Shell } from './shell/Shell';

export function App({ theme }: { theme: Theme }) {
  const live = useLive();
  return (
    <Shell theme={theme} live={live}>
      <Switch>
        <Route path="/" component={Overview} />
        <Route path="/rooms" component={Rooms} />
        <Route path="/rooms/:room">{({ room }) => <Room key={room} sid={room} />}</Route>
        <Route path="/rooms/:room/people/:who">
          {({ room, who }) => <Participant key={who} room={room} sid={who} />}
        </Route>
        <Route path="/rooms/:room/tracks/:track">
          {({ room, track }) => <Track key={track} room={room} sid={track} />}
        </Route>
        <Route path="/aic" component={Aic} />
        <Route path="/projects" component={Projects} />
        <Route path="/nodes" component={Nodes} />
        <Route path="/webhooks" component={Webhooks} />
        <Route path="/recordings" component={Recordings} />
        <Route path="/audit" component={Audit} />
        <Route path="/operators" component={Operators} />
        <Route component={NotHere} />
      </Switch>
    </Shell>
  );
}
