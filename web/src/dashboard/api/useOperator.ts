// SPDX-License-Identifier: Apache-2.0
import { createContext, useContext } from 'react';

export interface Operator {
  name: string;
  role: 'viewer' | 'admin';
}

export const OperatorContext = createContext<Operator>({ name: '', role: 'viewer' });

/** Who is signed in. The server decides what they may; the page only leaves out what would be refused. */
export const useOperator = (): Operator => useContext(OperatorContext);

export const useIsAdmin = (): boolean => useOperator().role === 'admin';
