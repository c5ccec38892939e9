import { h, toLabel, toNode } from './dom.js';
import { ago, count } from './format.js';
import { Table } from './table.js';

const time = (iso) => (iso ? Date.parse(iso) : -Infinity);
// A list is for the worst at a glance; the node's page has them all.
const kLabels = 2;
const labels = (n) => h('span', {}, n.labels.slice(0, kLabels).flatMap((l, i) => [i ? ', ' : '', toLabel(l.factory, l.name)]),
  n.labels.length > kLabels ? ` and ${n.labels.length - kLabels} more` : '');

export const nodeTable = (caption) => new Table(caption, [
  { title: 'Node', value: (n) => n.name, cell: (n) => toNode(n.name) },
  { title: 'Fault 1 h', value: (n) => n.hour.fault, cell: (n) => count(n.hour.fault, 'fault'), kind: 'n' },
  { title: 'Done 1 h', value: (n) => n.hour.done, cell: (n) => count(n.hour.done, 'done'), kind: 'n' },
  { title: 'Faults in a row', value: (n) => n.fault_run, cell: (n) => count(n.fault_run, 'fault'), kind: 'n' },
  { title: 'Running', value: (n) => n.running, cell: (n) => count(n.running, 'running'), kind: 'n' },
  { title: 'Last heard', value: (n) => time(n.seen), cell: (n) => ago(n.seen), kind: 't' },
  { title: 'Labels', value: (n) => n.labels.length, cell: labels, kind: 'long' },
  { title: 'Last failure', value: (n) => [n.last_failure, n.last_reason].filter(Boolean).join(': '), kind: 'long' },
], { key: (n) => n.name, mark: (n) => (n.fault_run >= 3 ? 'bad' : ''), sort: 1, descending: true, empty: 'no nodes' });
