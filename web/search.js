import { h } from './dom.js';
import { get, follow } from './api.js';
import { factoryTable, labelTable } from './overview.js';
import { nodeTable } from './nodes.js';
import { pilotTable } from './pilots.js';

export async function search(main, { q }) {
  document.getElementById('search').value = q ?? '';
  main.append(h('h1', {}, `Search: ${q ?? ''}`));
  follow({ factory: ' ' }, () => {}, {});  // only to show whether the server is there
  if (!q) return;
  const found = await get('search', { q });
  const parts = [['pilots', pilotTable('Pilots with this id')], ['labels', labelTable(true)], ['factories', factoryTable()], ['nodes', nodeTable('Nodes')]];
  let any = false;
  for (const [name, table] of parts) {
    const rows = found[name];
    if (rows.length === 0) continue;
    any = true;
    table.show(rows);
    main.append(table.element);
    if (rows.length === found.most) main.append(h('p', { class: 'quiet' }, `Only the first ${found.most} are shown.`));
  }
  if (!any) main.append(h('p', {}, 'Nothing was found: part of a name of a factory, label, queue, site or node, or a whole pilot id.'));
}
