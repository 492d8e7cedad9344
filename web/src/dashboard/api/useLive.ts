// SPDX-License-Identifier: Apache-2.0
import { useQueryClient, type QueryClient } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { isRefused } from './errors';
import type { Schemas } from './client';
import { SESSION } from './queries';

type Event = Schemas['Event'];

const BACK_MS = [500, 1000, 2000, 5000, 10_000];
const GATHER_MS = 300; // a room with many people tells much at once
const SESSION_ENDED = 4001;

/** What an event makes old, by the first word of the query's key. */
function oldBy(event: Event): string[] {
  if (event.type === 'room') return ['overview', 'rooms', 'room', 'routes', 'recordings', 'webhooks'];
  if (event.type === 'audit')
    return ['audit', 'keys', 'operators', 'webhooks', 'recordings', 'room', 'rooms'];
  return [];
}

class Feed {
  private socket: WebSocket | null = null;
  private timer = 0;
  private tries = 0;
  private readonly old = new Set<string>();

  constructor(
    private readonly queries: QueryClient,
    private readonly onState: (open: boolean) => void,
  ) {
    this.open();
  }

  close() {
    clearTimeout(this.timer);
    this.timer = -1;
    this.socket?.close();
  }

  private open() {
    const url = new URL('/api/v1/events', location.href);
    url.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:';
    const socket = new WebSocket(url);
    this.socket = socket;
    socket.onmessage = ({ data }) => this.take(JSON.parse(data as string) as Event);
    socket.onclose = ({ code }) => {
      if (this.timer === -1) return; // we left
      this.onState(false);
      if (code === SESSION_ENDED) void this.queries.invalidateQueries({ queryKey: SESSION });
      this.timer = setTimeout(() => this.open(), BACK_MS[Math.min(this.tries++, BACK_MS.length - 1)]);
    };
  }

  private take(event: Event) {
    if (event.type === 'hello') {
      this.tries = 0;
      this.onState(true);
      void this.queries.invalidateQueries(); // what was missed meanwhile
    } else if (event.type === 'tick') {
      void this.queries.invalidateQueries({
        predicate: ({ meta, state }) => meta?.['live'] === true && !isRefused(state.error),
      });
    } else {
      if (this.old.size === 0) setTimeout(() => this.refresh(), GATHER_MS);
      for (const word of oldBy(event)) this.old.add(word);
    }
  }

  private refresh() {
    const old = new Set(this.old);
    this.old.clear();
    void this.queries.invalidateQueries({ predicate: ({ queryKey }) => old.has(String(queryKey[0])) });
  }
}

/** Keeps what is shown as it is on the server; true while it does. */
export function useLive(): boolean {
  const queries = useQueryClient();
  const [open, setOpen] = useState(false);
  useEffect(() => {
    const feed = new Feed(queries, setOpen);
    return () => feed.close();
  }, [queries]);
  return open;
}
