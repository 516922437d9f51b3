// The page of a receiver. It shows what the receiver says, and knows nothing about SETs.

import { detail, fill, filled } from './detail.js';

const LIMIT = 500;
const [state, list, none, count, news, trouble, query, outcome, choice, script] = [
  'state', 'arrivals', 'none', 'count', 'news', 'trouble', 'query', 'outcome', 'choice', 'script',
].map((id) => document.getElementById(id));
// The request of each item, and the text that a search looks at.
const requests = new WeakMap();
let waiting = [];

const events = new EventSource('/events');
events.addEventListener('open', () => tell(state, 'Live'));
events.addEventListener('error', () =>
  tell(state, events.readyState === EventSource.CLOSED ? 'The receiver has ended.' : 'The receiver does not answer.'));
on('receiver', (receiver) => {
  tell(document.getElementById('like'), `like ${receiver.like}`);
  fill(document.getElementById('receiver'), { ...receiver, issuer: receiver.issuer ?? 'registered by the API' });
});
on('faults', showFaults);
on('arrival', add);

function on(name, act) {
  events.addEventListener(name, (event) => act(JSON.parse(event.data)));
}

function tell(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function add(arrival) {
  const item = filled('arrival', arrival);
  item.dataset.outcome = arrival.outcome;
  item.value = arrival.sequence;
  requests.set(item, { arrival, text: Object.values(arrival).map(searched).join('\n').toLowerCase() });
  const details = item.querySelector('details');
  details.addEventListener('toggle', () => open(item, details));
  item.hidden = !matches(item);
  list.prepend(item);
  if (list.childElementCount > LIMIT) list.lastElementChild.remove();
  counted();
  announceLater(`${arrival.title}: ${arrival.verdict}.`);
}

function searched(value) {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** The details are made when they are looked at. */
function open(item, details) {
  if (details.open && details.childElementCount === 1) details.append(detail(requests.get(item).arrival, announce));
}

function matches(item) {
  const words = query.value.toLowerCase().split(/\s+/);
  const { arrival, text } = requests.get(item);
  return (outcome.value === '' || outcome.value === arrival.outcome) && words.every((word) => text.includes(word));
}

function filter() {
  for (const item of list.children) item.hidden = !matches(item);
  counted();
}

function counted() {
  const shown = items().length;
  const all = list.childElementCount;
  none.hidden = shown > 0;
  tell(none, all > 0 ? 'Nothing matches.' : 'Nothing has arrived yet.');
  tell(count, shown === all ? `(${all})` : `(${shown} of ${all})`);
}

function items() {
  return [...list.children].filter((item) => !item.hidden);
}

/** Says it to those who cannot see the list; many at once in one sentence. */
function announceLater(text) {
  waiting.push(text);
  if (waiting.length > 1) return;
  setTimeout(() => {
    announce(waiting.length === 1 ? waiting[0] : `${waiting.length} requests have arrived.`);
    waiting = [];
  }, 1000);
}

function announce(text) {
  news.textContent = text;
}

function showFaults({ current, choices }) {
  const options = choices.map(({ label, script: value }) => new Option(label, value));
  if (!choices.some((other) => other.script === current)) options.push(new Option('Own faults', current));
  choice.replaceChildren(...options);
  choice.value = current;
  script.value = current;
}

async function switchTo(text) {
  tell(trouble, '');
  try {
    const answer = await fetch('/faults', { method: 'POST', body: text });
    if (answer.ok) announce('The faults are switched.');
    else tell(trouble, await answer.text());
  } catch {
    tell(trouble, 'The receiver does not answer.');
  }
}

choice.addEventListener('change', () => switchTo(choice.value));
document.getElementById('switch').addEventListener('click', () => switchTo(script.value));
query.addEventListener('input', filter);
outcome.addEventListener('change', filter);

/** Goes to another item of the list. */
function step(distance) {
  const shown = items();
  const at = shown.findIndex((item) => item.contains(document.activeElement));
  const next = at < 0 ? shown[0] : shown[at + distance];
  next?.querySelector('summary').focus();
}

const STEPS = { j: 1, ArrowDown: 1, k: -1, ArrowUp: -1 };

document.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  const { target, key } = event;
  if (key === 'Escape') {
    items()[0]?.querySelector('summary').focus();
    return;
  }
  // Where a person writes or scrolls, keys are for that.
  if (target.closest('input, textarea, select, pre')) return;
  if (key === '/') query.focus();
  else if (key in STEPS) step(STEPS[key]);
  else return;
  event.preventDefault();
});
