// SPDX-License-Identifier: Apache-2.0
import { useEffect, useRef, useState, type SyntheticEvent } from 'react';
import { Panel } from '../room/Panel';
import { IconButton } from '../ui/IconButton';
import { MESSAGE_MAX, type Messages } from './useMessages';
import './chat.css';

const time = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });

export function ChatPanel({ chat, onClose }: { chat: Messages; onClose: () => void }) {
  const [text, setText] = useState('');
  const [fault, setFault] = useState('');
  const end = useRef<HTMLLIElement>(null);
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    input.current?.focus();
  }, []);
  useEffect(() => {
    end.current?.scrollIntoView();
  }, [chat.list.length]);
  const send = () => {
    const words = text.trim();
    if (!words) return;
    setText('');
    setFault('');
    chat.send(words).catch(() => {
      setText(words);
      setFault('That was not sent. Try again.');
    });
  };
  const submit = (event: SyntheticEvent) => {
    event.preventDefault();
    send();
  };
  return (
    <Panel title="Chat" onClose={onClose}>
      {/* a list that scrolls has to be reached by keys */}
      {/* eslint-disable-next-line jsx-a11y/no-noninteractive-tabindex */}
      <div className="chat-scroll" tabIndex={0} role="log" aria-label="Messages">
        {chat.list.length === 0 && (
          <p className="note">Nobody has written yet. All in the call read what you write.</p>
        )}
        <ol className="chat-list">
          {chat.list.map((message) => (
            <li key={message.id} className={message.from?.isLocal ? 'chat-mine' : ''}>
              <p className="chat-head">
                <b>{message.from?.isLocal ? 'You' : message.from?.name || 'Somebody'}</b>{' '}
                <time>{time.format(message.timestamp)}</time>
              </p>
              <p className="chat-text">{message.message}</p>
            </li>
          ))}
          <li ref={end} aria-hidden="true" />
        </ol>
      </div>
      {fault && (
        <p className="fault" role="alert">
          {fault}
        </p>
      )}
      <form className="chat-form" onSubmit={submit}>
        <input
          ref={input}
          aria-label="Message to all"
          placeholder="Write to all"
          maxLength={MESSAGE_MAX}
          value={text}
          onChange={(e) => setText(e.target.value)}
        />
        <IconButton icon="send" label="Send" onPress={send} />
      </form>
    </Panel>
  );
}
