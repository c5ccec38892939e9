// Orders about alarms: acknowledge, mute, unmute. They need an administrator's token, which is asked for once and kept by
// this tab only; it goes in a header, never in an address, and no other site can send it.
import { h } from './dom.js';

const kToken = 'admin-token';
const lengths = [['1h', '1 hour'], ['4h', '4 hours'], ['12h', '12 hours'], ['1d', '1 day'], ['3d', '3 days'], ['7d', '1 week'], ['', 'until it is lifted']];

export const hasToken = () => sessionStorage.getItem(kToken) !== null;
export const forgetToken = () => sessionStorage.removeItem(kToken);

async function order(call, body, token) {
  const response = await fetch(`/api/v1/alarms/${call}`, { method: 'POST', body: JSON.stringify(body),
    headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' } });
  if (response.ok) return;
  const answer = await response.json().catch(() => ({}));
  throw Object.assign(new Error(answer.error?.what ?? `the server answered ${response.status}`), { status: response.status });
}

// Asks in a dialog for what the order needs. `fields`: [{label, input}]; `body()`: the order, when all is filled in.
function ask(title, about, fields, call, body, done) {
  const token = h('input', { type: 'password', id: 'order-token', autocomplete: 'off', spellcheck: 'false' });
  const tokenLine = h('p', {}, h('label', { for: 'order-token' }, 'Administrator’s token (apf-monitor token create --admin NAME); kept until this tab is closed'), token);
  const trouble = h('p', { class: 'error', role: 'alert', hidden: true });
  const wantToken = (wanted) => {
    tokenLine.hidden = !wanted;
    token.required = wanted;
  };
  const send = h('button', {}, title);
  const dialog = h('dialog', { 'aria-labelledby': 'order-title' }, h('form', { onsubmit: async (event) => {
    event.preventDefault();
    if (!tokenLine.hidden) sessionStorage.setItem(kToken, token.value.trim());
    send.disabled = true;
    try {
      await order(call, body(), sessionStorage.getItem(kToken));
      dialog.close();
      await done();
    } catch (error) {
      if (error.status === 401 || error.status === 403) {
        forgetToken();
        wantToken(true);
      }
      trouble.hidden = false;
      trouble.textContent = `Not done: ${error.message}.`;
    } finally {
      send.disabled = false;
    }
  } }, h('h2', { id: 'order-title' }, title), h('p', {}, about),
    fields.map(({ label, input }) => h('p', {}, h('label', { for: input.id }, label), input)), tokenLine, trouble,
    h('p', {}, send, ' ', h('button', { type: 'button', onclick: () => dialog.close() }, 'Cancel'))));
  wantToken(!hasToken());
  dialog.addEventListener('close', () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

const words = (id, required) => h('input', { id, maxlength: 500, required });

export function acknowledge(alarm, done) {
  const note = words('order-note', false);
  return h('button', { type: 'button', 'aria-label': `Acknowledge ${alarm.code} of ${alarm.subject}`, onclick: () =>
    ask('Acknowledge', `${alarm.subject}: ${alarm.text} It stays here as in hand, and is not told again.`, [{ label: 'Note: who does what, or a ticket', input: note }],
      'acknowledge', () => ({ code: alarm.code, subject: alarm.subject, note: note.value }), done) }, 'Acknowledge');
}

export function mute(alarm, done) {
  const reason = words('order-note', true);
  const length = h('select', { id: 'order-for' }, lengths.map(([value, text]) => h('option', { value, selected: value === '4h' }, text)));
  const what = h('select', { id: 'order-what' }, h('option', { value: 'this' }, `${alarm.code} of ${alarm.subject}`),
    h('option', { value: 'subject' }, `all of ${alarm.subject}`), h('option', { value: 'code' }, `${alarm.code} of all`));
  return h('button', { type: 'button', 'aria-label': `Mute ${alarm.code} of ${alarm.subject}`, onclick: () =>
    ask('Mute', 'What is muted is told to nobody; it is listed at the end of the report.',
      [{ label: 'What', input: what }, { label: 'For how long', input: length }, { label: 'Reason', input: reason }], 'mute',
      () => ({ ...(what.value !== 'subject' && { code: alarm.code }), ...(what.value !== 'code' && { subject: alarm.subject }),
        ...(length.value && { for: length.value }), reason: reason.value }), done) }, 'Mute');
}

export function unmute(muted, done) {
  const name = [muted.code, muted.subject].filter(Boolean).join(' of ');
  return h('button', { type: 'button', 'aria-label': `Unmute ${name}`, onclick: () =>
    ask('Unmute', `${name} is told again when it stands.`, [], 'unmute', () => ({ ...(muted.code && { code: muted.code }), ...(muted.subject && { subject: muted.subject }) }), done) }, 'Unmute');
}
