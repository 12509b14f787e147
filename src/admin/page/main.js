/** Puts the page together and feeds it. */
import { connections } from './connections.js';
import { byId } from './dom.js';
import { watch } from './feed.js';
import { findRoute } from './find-route.js';
import { routes } from './routes.js';
import { sizes } from './sizes.js';
import { take } from './state.js';
import { showLost, summary } from './summary.js';
import { throughput } from './throughput.js';
import { violations } from './violations.js';

let built = false;

watch((...event) => {
  // Plots measure their place, so it must be there first.
  byId('content').hidden = false;
  if (!built) {
    built = true;
    summary();
    routes();
    findRoute();
    throughput();
    sizes();
    violations();
    connections();
  }
  showLost(null);
  take(...event);
}, showLost);
