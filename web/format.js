// Numbers and times for people.
import { h } from './dom.js';

const offset = { ms: 0 };  // of the server's clock from ours

export function clockIs(iso) {
  if (iso) offset.ms = Date.parse(iso) - Date.now();
}
export const now = () => Date.now() + offset.ms;

export function length(ms) {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 90) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 90) return `${minutes} min`;
  const hours = Math.round(minutes / 60);
  return hours < 48 ? `${hours} h` : `${Math.round(hours / 24)} d`;
}
export const age = (iso) => (iso ? now() - Date.parse(iso) : Infinity);

const words = (iso) => {
  const ms = Date.parse(iso) - now();
  return ms > 5000 ? `in ${length(ms)}` : `${length(-ms)} ago`;
};

// "5 min ago"; it goes on by itself (see keepTimes), and says the exact time when asked.
export function ago(iso) {
  return iso ? h('time', { datetime: iso, title: iso }, words(iso)) : h('span', { class: 'quiet' }, 'never');
}
export function at(iso) {
  return iso ? `${iso.slice(0, 10)} ${iso.slice(11, 19)} UTC` : '';
}

export function keepTimes() {
  setInterval(() => {
    for (const element of document.querySelectorAll('time[datetime]')) {
      const text = words(element.getAttribute('datetime'));
      if (element.textContent !== text) element.textContent = text;
    }
  }, 5000);
}

export const count = (value, kind) => h('span', { class: value ? kind : 'zero' }, String(value));
export const state = (pilot) => h('span', { class: pilot.state }, pilot.aged ? `${pilot.state} (guessed)` : pilot.state);
