// A table that sorts by its column heads and draws only the rows that changed.
import { h } from './dom.js';

const compare = (a, b) => (typeof a === 'string' || typeof b === 'string'
  ? String(a ?? '').localeCompare(String(b ?? ''), 'en', { numeric: true }) : (a ?? -Infinity) - (b ?? -Infinity));

// columns: {title, value(row) to sort by, cell(row) -> element or text, kind: 'n' | 't' | 'long', sum: row -> number}
export class Table {
  constructor(caption, columns, { key, mark, group, empty = 'nothing yet', sort = 0, descending = false }) {
    Object.assign(this, { columns, key, mark, group, empty, sort, descending });
    this.drawn = new Map();
    this.rows = [];
    this.heads = columns.map((column, i) => h('th', { scope: 'col', class: column.kind },
      h('button', { type: 'button', onclick: () => this.sortBy(i) }, column.title)));
    this.body = h('tbody');
    this.element = h('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': caption },
      h('table', {}, h('caption', {}, caption), h('thead', {}, h('tr', {}, this.heads)), this.body));
  }

  sortBy(column) {
    this.descending = this.sort === column ? !this.descending : this.columns[column].kind === 'n';
    this.sort = column;
    this.draw();
  }

  show(rows) {
    this.rows = rows;
    this.draw();
  }

  draw() {
    this.heads.forEach((head, i) => {
      if (i === this.sort) head.setAttribute('aria-sort', this.descending ? 'descending' : 'ascending');
      else head.removeAttribute('aria-sort');
    });
    const { value } = this.columns[this.sort];
    const sign = this.descending ? -1 : 1;
    const rows = [...this.rows].sort((a, b) => sign * compare(value(a), value(b)) || compare(this.key(a), this.key(b)));
    const lines = this.group ? this.grouped(rows) : rows.map((row) => this.line(row));
    if (lines.length === 0) lines.push(h('tr', {}, h('td', { colspan: this.columns.length, class: 'quiet' }, this.empty)));
    const same = lines.length === this.body.children.length && lines.every((line, i) => line === this.body.children[i]);
    if (!same) this.body.replaceChildren(...lines);
    const kept = new Set(rows.map((row) => this.key(row)));
    for (const key of this.drawn.keys()) if (!kept.has(key)) this.drawn.delete(key);
  }

  grouped(rows) {
    const groups = new Map();
    for (const row of rows) {
      const name = this.group(row) || '(none)';
      if (!groups.has(name)) groups.set(name, []);
      groups.get(name).push(row);
    }
    return [...groups].sort((a, b) => compare(a[0], b[0])).flatMap(([name, members]) => {
      const cells = this.columns.map((column, i) => {
        if (i === 0) return h('th', { scope: 'rowgroup' }, `${name} (${members.length})`);
        return h('th', { class: column.kind }, column.sum ? String(members.reduce((n, row) => n + column.sum(row), 0)) : '');
      });
      return [h('tr', { class: 'group' }, cells), ...members.map((row) => this.line(row))];
    });
  }

  line(row) {
    const key = this.key(row);
    const mark = this.mark?.(row) ?? '';
    const drawn = this.drawn.get(key);
    if (drawn && drawn.row === row && drawn.mark === mark) return drawn.line;
    const line = h('tr', { class: mark || null },
      this.columns.map((column) => h('td', { class: column.kind }, column.cell ? column.cell(row) : String(column.value(row) ?? ''))));
    this.drawn.set(key, { row, mark, line });
    return line;
  }
}
