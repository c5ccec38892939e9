import { facts, fill, h, tile, toOutside } from './dom.js';
import { ago } from './format.js';
import { labelPart, liveOverview, silence } from './overview.js';

export async function factory(main, { name }) {
  document.title = `${name} - apf-monitor`;
  const about = h('section');
  const labels = labelPart(false);
  main.append(h('h1', {}, `Factory ${name}`), about, labels.element);
  await liveOverview({ factory: name }, (model) => {
    const f = model.factories.get(name);
    if (f) {
      fill(about, silence(f) ? h('p', { class: 'error' }, 'Nothing was heard of it for long: is it running, and can it reach this monitor?') : '',
        h('div', { class: 'tiles' }, tile('created', f.live.created, 'created'), tile('running', f.live.running, 'running'),
          tile('created in 1 h', f.hour.created, 'created'), tile('done in 1 h', f.hour.done, 'done'), tile('fault in 1 h', f.hour.fault, 'fault')),
        facts([
          ['Version', [f.type, f.version].filter(Boolean).join(' ')],
          ['E-mail', f.email && h('a', { href: `mailto:${encodeURIComponent(f.email).replace('%40', '@')}` }, f.email)],
          ['Address', f.address], ['Last start', ago(f.last_startup)], ['Last cycle', ago(f.last_cycle)], ['Last heard', ago(f.seen)],
          ['First credential ends', f.credential_ends && ago(f.credential_ends)],
          ['Logs and configuration', f.url && toOutside(f.url)],
        ]));
    }
    labels.show([...model.labels.values()]);
  });
}
