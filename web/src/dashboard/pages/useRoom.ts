// SPDX-License-Identifier: Apache-2.0
// What is read of one room. All keys begin with 'room', so that an event of it reads all of it anew.
import { useQuery } from '@tanstack/react-query';
import { api, take } from '../api/client';
import { LIVE } from '../api/queries';
import { usePages } from '../parts/usePages';

export const useRoom = (sid: string) =>
  useQuery({
    queryKey: ['room', sid],
    queryFn: () => take(api.GET('/api/v1/rooms/{room}', { params: { path: { room: sid } } })),
    ...LIVE,
  });

export const usePeople = (sid: string) =>
  usePages(
    ['room', sid, 'people'],
    async (after) => {
      const params = { path: { room: sid }, query: { ...(after && { after: String(after) }) } };
      const { participants, next } = await take(api.GET('/api/v1/rooms/{room}/participants', { params }));
      return { rows: participants, next };
    },
    { live: true },
  );

export const usePerson = (room: string, participant: string) =>
  useQuery({
    queryKey: ['room', room, 'person', participant],
    queryFn: () =>
      take(
        api.GET('/api/v1/rooms/{room}/participants/{participant}', {
          params: { path: { room, participant } },
        }),
      ),
    ...LIVE,
  });

export const useLinks = (sid: string) =>
  usePages(
    ['room', sid, 'links'],
    async (after) => {
      const params = { path: { room: sid }, query: { limit: 200, ...(after && { after: String(after) }) } };
      const { links, next } = await take(api.GET('/api/v1/rooms/{room}/links', { params }));
      return { rows: links, next };
    },
    { live: true },
  );

/** A track's last ten minutes; of one subscriber alone if it is given. */
export const useTrack = (room: string, track: string, participant?: string) =>
  useQuery({
    queryKey: ['room', room, 'track', track, participant ?? ''],
    queryFn: () =>
      take(
        api.GET('/api/v1/rooms/{room}/tracks/{track}/series', {
          params: { path: { room, track }, query: { ...(participant && { participant }) } },
        }),
      ),
    ...LIVE,
  });

export const useRoomAic = (room: string) =>
  useQuery({
    queryKey: ['room', room, 'aic'],
    queryFn: () => take(api.GET('/api/v1/rooms/{room}/aic', { params: { path: { room } } })),
    ...LIVE,
  });
