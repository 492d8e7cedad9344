// SPDX-License-Identifier: Apache-2.0
import { QueryClientProvider } from '@tanstack/react-query';
import { createRoot } from 'react-dom/client';
import { Router } from 'wouter';
import { makeQueries } from './api/queries';
import { Gate } from './Gate';
import '../ui/base.css';
import './dashboard.css';
import './parts/parts.css';
import './charts/charts.css';
import './shell/shell.css';

const root = document.getElementById('root');
if (root) {
  createRoot(root).render(
    <QueryClientProvider client={makeQueries()}>
      <Router base="/dashboard">
        <Gate />
      </Router>
    </QueryClientProvider>,
  );
}
