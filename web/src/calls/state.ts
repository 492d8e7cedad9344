// SPDX-License-Identifier: Apache-2.0
// What a page knows of calls, out of the events of docs/auraid-calls.md. Pure functions.

export interface Person {
  id: string;
  name?: string;
}

export interface Ring {
  call: string;
  from: Person;
  video: boolean;
  waiting: boolean;
}

export interface Missed {
  call: string;
  from: Person;
  video: boolean;
  reason: string;
  /** Seconds since the Unix epoch. */
  at: number;
}

export type Called = Person & { state: 'ringing' | 'accepted' | 'ended'; reason?: string };

/** A call that the person has begun and nobody has answered; or one that goes on, and who is rung. */
export interface Placed {
  call: string;
  to: Called[];
}

export interface Join {
  call: string;
  room: string;
  token: string;
  url: string | null;
}

export type CallEvent =
  | { event: 'hello'; id: string; device: string; missed: Missed[] }
  | ({ event: 'ring' } & Ring)
  | { event: 'quiet'; call: string; reason: string }
  | ({ event: 'missed' } & Missed)
  | ({ event: 'join' } & (Join | { call: string; error: string }))
  | { event: 'person'; call: string; person: Person; state: Called['state']; reason?: string }
  | { event: 'over'; call: string; reason: string };

export interface CallsState {
  /** Is the line there? Without it nobody can ring. */
  up: boolean;
  ringing: Ring[];
  placed: Placed | null;
  /** The call that the person is in, and who is rung for it by those in it. */
  current: Placed | null;
  missed: Missed[];
  /** For the person: what has become of a call. */
  notice: string;
  /** Calls that were joined or are over: what comes late of them is of no interest. */
  past: string[];
}

export const NO_CALLS: CallsState = {
  up: false,
  ringing: [],
  placed: null,
  current: null,
  missed: [],
  notice: '',
  past: [],
};
const PAST_MAX = 50;

export function nameOf({ id, name }: Person): string {
  return name || id;
}

/** "Ann, Bob and Carl" */
export function namesOf(people: Person[]): string {
  const names = people.map(nameOf);
  const last = names.pop() ?? '';
  return names.length ? `${names.join(', ')} and ${last}` : last;
}

const QUIET: Record<string, string> = { answered_elsewhere: 'Answered on another of your devices.' };
const OVER: Record<string, string> = {
  declined: 'declined.',
  busy: 'cannot take calls now.',
  timeout: 'did not answer.',
};

function isPast(past: string[], call: string): string[] {
  return [...past.filter((one) => one !== call), call].slice(-PAST_MAX);
}

function over(state: CallsState, call: string, reason: string): CallsState {
  const { placed } = state;
  if (state.current?.call === call) state = { ...state, current: null };
  const past = isPast(state.past, call);
  if (placed?.call !== call) return { ...state, past };
  const words = OVER[reason];
  return { ...state, past, placed: null, notice: words ? `${namesOf(placed.to)} ${words}` : '' };
}

function personIs(placed: Placed | null, event: Extract<CallEvent, { event: 'person' }>): Placed | null {
  if (placed?.call !== event.call) return placed;
  const { person, state, reason } = event;
  const now: Called = { ...person, state, ...(reason && { reason }) };
  const known = placed.to.some(({ id }) => id === person.id);
  const to = placed.to.map((one) => (one.id === person.id ? { ...one, ...now } : one));
  return { ...placed, to: known ? to : [...to, now] };
}

/** Of a group that one has called some may ring on when the first one has answered. */
function currentOf(state: CallsState, call: string): Placed {
  if (state.current?.call === call) return state.current; // joined again
  const to = state.placed?.call === call ? state.placed.to.filter((one) => one.state === 'ringing') : [];
  return { call, to };
}

export function reduce(state: CallsState, event: CallEvent): CallsState {
  const without = 'call' in event ? state.ringing.filter(({ call }) => call !== event.call) : [];
  switch (event.event) {
    case 'hello': // what rings still is told again
      return { ...state, up: true, ringing: [], missed: event.missed };
    case 'ring': {
      const { call, from, video, waiting } = event;
      return { ...state, ringing: [...without, { call, from, video, waiting }] };
    }
    case 'quiet': {
      const rang = without.length < state.ringing.length;
      return { ...state, ringing: without, notice: rang ? (QUIET[event.reason] ?? '') : state.notice };
    }
    case 'missed': {
      const { call, from, video, reason, at } = event;
      const others = state.missed.filter((one) => one.call !== call);
      return { ...state, ringing: without, missed: [{ call, from, video, reason, at }, ...others] };
    }
    case 'join':
      if ('error' in event) return { ...state, ringing: without, notice: event.error };
      return {
        ...state,
        ringing: without,
        placed: state.placed?.call === event.call ? null : state.placed,
        current: currentOf(state, event.call),
        past: isPast(state.past, event.call),
        notice: '',
      };
    case 'person':
      return {
        ...state,
        placed: personIs(state.placed, event),
        current: personIs(state.current, event),
      };
    case 'over':
      return over(state, event.call, event.reason);
  }
}

/** The person rings; what events have said of the call may be known already. */
export function place(state: CallsState, placed: Placed): CallsState {
  return state.past.includes(placed.call) ? state : { ...state, placed, notice: '' };
}

/** Whom a call is with, for its title. */
export function titleOf(state: CallsState, call: string): string {
  const rang = state.ringing.find((one) => one.call === call);
  if (rang) return nameOf(rang.from);
  return state.placed?.call === call ? namesOf(state.placed.to) : 'Call';
}

const EVENTS = ['hello', 'ring', 'quiet', 'missed', 'join', 'person', 'over'];

/** Of what a server of another version says, what is not known is passed over. */
export function readEvent(text: string): CallEvent | null {
  const event = JSON.parse(text) as { event?: unknown };
  return EVENTS.includes(String(event.event)) ? (event as CallEvent) : null;
}

const ENDED: Record<string, string> = {
  declined: 'declined',
  busy: 'cannot take calls now',
  timeout: 'did not answer',
  unreachable: 'cannot be reached',
  cancelled: 'is not rung any more',
};

/** Who is not in the call, though somebody has rung them: "Bob: ringing". Who has accepted is in it. */
export function rungTexts(current: Placed | null): string[] {
  return (current?.to ?? []).flatMap((one) => {
    if (one.state === 'ringing') return [`${nameOf(one)}: ringing…`];
    const words = one.state === 'ended' ? ENDED[one.reason ?? ''] : undefined;
    return words ? [`${nameOf(one)} ${words}`] : [];
  });
}
