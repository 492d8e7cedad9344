// SPDX-License-Identifier: Apache-2.0
import { useQuery } from '@tanstack/react-query';
import { api, take } from '../api/client';
import { LIVE } from '../api/queries';

export const useAic = () =>
  useQuery({ queryKey: ['aic'], queryFn: () => take(api.GET('/api/v1/aic')), ...LIVE });
