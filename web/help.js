import { h } from './dom.js';
import { follow } from './api.js';

const words = [
  ['created', 'the factory has submitted it; it waits in the batch system'],
  ['running', 'its wrapper has spoken on a node'],
  ['exiting', 'its wrapper has ended; the batch system has not said so yet'],
  ['done', 'it ended well; empty: it found no job to run'],
  ['fault', 'it ended badly, was held or removed, or nothing was heard of it for too long; its page says why'],
  ['stale', 'the monitor’s own word: nothing was heard of it for too long'],
  ['label', 'one flow of a factory: from a WMS queue to a batch target'],
];

export async function help(main) {
  follow({ factory: ' ' }, () => {}, {});
  const here = `${location.origin}/api/`;
  main.append(h('h1', {}, 'Help'), h('h2', {}, 'Words'), h('dl', { class: 'facts' }, words.flatMap(([word, text]) => [h('dt', {}, word), h('dd', {}, text)])),
    h('h2', {}, 'Let a factory report here'),
    h('p', {}, 'AutoPilotFactory, in its configuration:'), h('pre', { tabindex: 0 }, `[monitor.web]\nplugin = "apfmon"\nurl = "${here}"\n`),
    h('p', {}, 'AutoPyFactory and Harvester: set their APFMon address to ', h('code', {}, here), '. Factories outside this host need a token or a network that the monitor’s configuration names.'),
    h('h2', {}, 'Alarms'), h('p', {}, 'Anybody may read. Who acknowledges or mutes an alarm needs an administrator’s token: ', h('code', {}, 'apf-monitor token create --admin NAME'), '.'),
    h('h2', {}, 'Programs'), h('p', {}, 'All that these pages show is at ', h('code', {}, '/api/v1'), ', described in ', h('a', { href: '/api/v1/openapi.json' }, 'openapi.json'),
      '. ', h('a', { href: '/plain' }, 'Plain tables'), ' need no scripts.'));
}
