// A file of a pilot, shown in place: the end first, earlier and later parts on demand, with a search. The monitor fetches it,
// since a browser may not ask a factory. What comes is only ever text.
import { h, toOutside } from './dom.js';
import { get } from './api.js';

const kPart = 65536;  // bytes
const kWhole = 262144;  // at once, while a search goes through the file
const kMost = 4 << 20;  // that are kept on the page
const kMarks = 2000;

// Colours and cursor moves of terminals say nothing here.
const readable = (text) => text.replace(/\u001b\[[0-9;?]*[A-Za-z]/g, '').replace(/\r(?!\n)/g, '\n');

// Lower case is longer than upper case in some languages; then case counts, so that places stay right.
const lower = (text) => (text.toLowerCase().length === text.length ? text.toLowerCase() : text);

const kOrder = ['stdout', 'stderr', 'log', 'jdl'];
const rank = (name) => (kOrder.includes(name) ? kOrder.indexOf(name) : kOrder.length);

class LogView {
  constructor(query, files) {
    this.query = query;
    this.files = files;
    this.at = null;  // where the present match begins
    this.shown = '';
    this.text = h('pre', { class: 'log', tabindex: 0, role: 'region', 'aria-label': 'Text of the file' });
    this.note = h('p', { class: 'quiet', role: 'status' });
    this.words = h('input', { type: 'search', id: 'find', onkeydown: (event) => {
      if (event.key !== 'Enter') return;
      event.preventDefault();
      this.doing(() => this.find(event.shiftKey ? 1 : -1));
    } });
    const button = (title, call) => h('button', { type: 'button', onclick: () => this.doing(call) }, title);
    this.wrap = h('input', { type: 'checkbox', id: 'wrap', checked: true, onchange: () => this.text.classList.toggle('straight', !this.wrap.checked) });
    this.tabs = Object.keys(files).sort((a, b) => rank(a) - rank(b)).map((name) => h('button', { type: 'button', 'aria-pressed': 'false', onclick: () => this.doing(() => this.open(name)) }, name));
    this.link = h('span');
    this.view = h('div', { hidden: true },
      h('div', { class: 'controls' }, h('span', { role: 'group', 'aria-label': 'Part of the file' }, 
          button('Start', () => this.toStart()), ' ', button('Earlier', () => this.before(kPart)), ' ', button('Later', () => this.after(kPart)), ' ',
          button('End', () => this.ask({}, 'anew').then(() => this.toEnd()))),
        h('span', {}, h('label', { for: 'find' }, 'Find '), this.words, ' ', button('Up', () => this.find(-1)), ' ', button('Down', () => this.find(1))),
        h('span', {}, this.wrap, ' ', h('label', { for: 'wrap' }, 'wrap lines')), this.link),
      this.note, this.text);
    this.element = h('section', {}, h('h2', {}, 'Files'), h('div', { class: 'controls', role: 'group', 'aria-label': 'Files' }, this.tabs), this.view);
  }

  // One thing at a time; what goes wrong is said in words.
  async doing(call) {
    if (this.busy) return;
    this.busy = true;
    this.note.classList.remove('error');
    try {
      await call();
    } catch (error) {
      this.note.classList.add('error');
      this.note.textContent = [error.message, error.url && `asked ${error.url}`, error.advice].filter(Boolean).join('; ');
    } finally {
      this.busy = false;
    }
  }

  async open(name) {
    this.file = name;
    this.part = null;
    this.at = null;
    this.view.hidden = false;
    this.tabs.forEach((tab) => tab.setAttribute('aria-pressed', String(tab.textContent === name)));
    this.link.replaceChildren(toOutside(this.files[name], `${name} at the factory`));
    this.text.textContent = '';
    this.note.textContent = 'asking the factory …';
    await this.ask({}, 'anew');
    this.toEnd();
  }

  // how: 'anew', 'before' or 'behind' what is shown. True: something came.
  async ask(wanted, how) {
    const got = await get('pilots/log', { ...this.query, file: this.file, most: kPart, ...wanted });
    if (how === 'anew' || !this.part) {
      this.part = { from: got.from, to: got.to, size: got.size, text: got.text };
    } else if (how === 'before') {
      this.part.text = got.text + this.part.text;
      this.part.from = got.from;
      if (this.at !== null) this.at += readable(this.part.text).length - this.shown.length;
    } else {
      this.part.text += got.text;
      this.part.to = got.to;
    }
    this.part.size = got.size ?? this.part.size;
    this.draw();
    return got.to > got.from;
  }

  async before(most) {
    if (!this.part || this.full()) return false;
    if (this.part.from === 0) {
      this.say('this is the start');
      return false;
    }
    const from = Math.max(0, this.part.from - most);
    const height = this.text.scrollHeight;
    const came = await this.ask({ from, most: this.part.from - from }, 'before');
    this.text.scrollTop += this.text.scrollHeight - height;
    return came;
  }

  async after(most) {
    if (!this.part || this.full()) return false;
    const came = await this.ask({ from: this.part.to, most }, 'behind');
    if (!came) this.say('no more has been written yet');
    return came;
  }

  full() {
    if (this.part.to - this.part.from < kMost) return false;
    this.say('no more is shown at once: go to the start or the end, or open the link');
    return true;
  }

  say(more) {
    const { from, to, size } = this.part;
    const place = to > from ? `Bytes ${from} to ${to}${size === null ? '' : ` of ${size}`}` : size === 0 ? 'The file is empty' : 'Nothing is here';
    this.note.textContent = more ? `${place}; ${more}.` : `${place}.`;
  }

  async toStart() {
    if (this.part?.from !== 0) await this.ask({ from: 0 }, 'anew');
    this.text.scrollTop = 0;
  }

  toEnd() {
    this.text.scrollTop = this.text.scrollHeight;
  }

  // The text with what is looked for marked, the match at this.at as the present one.
  draw() {
    this.shown = readable(this.part.text);
    const words = this.words.value.toLowerCase();
    const low = lower(this.shown);
    const pieces = [];
    let [done, present, count] = [0, null, 0];
    for (let i = words ? low.indexOf(words) : -1; i >= 0 && count < kMarks; i = low.indexOf(words, done)) {
      const mark = h('mark', { class: i === this.at ? 'now' : null }, this.shown.slice(i, i + words.length));
      pieces.push(this.shown.slice(done, i), mark);
      if (i === this.at) present = mark;
      done = i + words.length;
      ++count;
    }
    this.text.replaceChildren(...pieces, this.shown.slice(done));
    this.say(count ? `found ${count}${count === kMarks ? ' times or more' : count === 1 ? ' time' : ' times'} here` : '');
    if (present) this.text.scrollTop += present.getBoundingClientRect().top - this.text.getBoundingClientRect().top - this.text.clientHeight / 2;
  }

  // The next match up (-1) or down (1); beyond what is shown the file is looked through part by part.
  async find(way) {
    const words = this.words.value.toLowerCase();
    if (!this.part || !words) return;
    if (this.wanted !== words) this.at = null;
    this.wanted = words;
    let from = this.at === null ? (way < 0 ? this.shown.length : 0) : this.at + way;
    for (;;) {
      const low = lower(this.shown);
      const found = way > 0 ? low.indexOf(words, from) : from < 0 ? -1 : low.lastIndexOf(words, from);
      if (found >= 0) {
        this.at = found;
        return this.draw();
      }
      const length = this.shown.length;
      const came = way < 0 ? await this.before(kWhole) : this.part.to !== this.part.size && await this.after(kWhole);
      if (!came) {
        this.draw();
        return this.say(`not found ${way < 0 ? 'above' : 'below'}${this.at === null ? '' : ' this place'}`);
      }
      from = way < 0 ? this.shown.length - length : Math.max(0, length - words.length);
    }
  }
}

export function logView(query, files) {
  return new LogView(query, files);
}
