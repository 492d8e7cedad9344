// SPDX-License-Identifier: Apache-2.0
import { useChat, type ReceivedChatMessage } from '@livekit/components-react';
import { useState } from 'react';

export interface Messages {
  list: readonly ReceivedChatMessage[];
  /** Of others, since the panel was open. */
  unread: number;
  send: (text: string) => Promise<unknown>;
}

export const MESSAGE_MAX = 2000; // characters that one may type
const SHOWN_MAX = 500;

export function useMessages(open: boolean): Messages {
  const { chatMessages, send } = useChat();
  const [seen, setSeen] = useState(0);
  if (open && seen !== chatMessages.length) setSeen(chatMessages.length);
  const unread = open ? 0 : chatMessages.slice(seen).filter((message) => !message.from?.isLocal).length;
  return { list: chatMessages.slice(-SHOWN_MAX), unread, send };
}
