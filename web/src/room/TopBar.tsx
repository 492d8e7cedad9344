// SPDX-License-Identifier: Apache-2.0
import { useParticipants } from '@livekit/components-react';
import { useState } from 'react';
import { pathOf } from '../app/address';
import type { Theme } from '../app/useTheme';
import type { Session } from '../prejoin/session';
import { Icon } from '../ui/Icon';
import { IconButton } from '../ui/IconButton';
import type { Layout, PanelName } from './panels';

interface Props {
  session: Session;
  theme: Theme;
  layout: Layout;
  panel: PanelName | null;
  onLayout: () => void;
  onShow: (name: PanelName) => void;
}

export function TopBar({ session, theme, layout, panel, onLayout, onShow }: Props) {
  const [copied, setCopied] = useState(false);
  const count = useParticipants().length;
  const copy = () => {
    void navigator.clipboard.writeText(location.origin + pathOf(session)).then(() => setCopied(true));
  };
  return (
    <header className="topbar">
      <h1 className="topbar-room">{session.title ?? session.room}</h1>
      <p className="note topbar-count">{count === 1 ? 'only you' : `${count} people`}</p>
      {session.passphrase && (
        <p className="lock">
          <Icon name="lock" /> Encrypted end to end
        </p>
      )}
      <div className="topbar-right">
        {!session.call && (
          <IconButton
            icon="link"
            label={copied ? 'The link is copied' : 'Copy the link to this call'}
            onPress={copy}
          />
        )}
        <IconButton
          icon={layout === 'grid' ? 'speaker' : 'grid'}
          label={layout === 'grid' ? 'Show who speaks large' : 'Show all alike'}
          hint="L"
          onPress={onLayout}
        />
        <IconButton
          icon={theme.name === 'dark' ? 'sun' : 'moon'}
          label={theme.name === 'dark' ? 'Light colours' : 'Dark colours'}
          onPress={theme.toggle}
        />
        <IconButton
          icon="sliders"
          label="Devices"
          hint="D"
          pressed={panel === 'devices'}
          onPress={() => onShow('devices')}
        />
        <IconButton
          icon="keys"
          label="Keyboard shortcuts"
          hint="?"
          pressed={panel === 'keys'}
          onPress={() => onShow('keys')}
        />
      </div>
    </header>
  );
}
