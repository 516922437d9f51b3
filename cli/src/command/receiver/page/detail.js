// Fills templates with what the receiver says. Everything is text: nothing of a SET becomes markup.

const LISTS = { findings: 'finding', events: 'event', times: 'time', copies: 'copy' };

/** A copy of a template in which each element with `data-text` has the member of that name, or is taken away. */
export function filled(name, values) {
  const element = document.getElementById(name).content.firstElementChild.cloneNode(true);
  fill(element, values);
  return element;
}

export function fill(element, values) {
  for (const place of element.querySelectorAll('[data-text]')) {
    const value = values[place.dataset.text];
    if (value === undefined || value === null || value === '') place.remove();
    else place.textContent = String(value);
  }
}

/** All that is known of a request. */
export function detail(arrival, announce) {
  const element = filled('detail', arrival);
  for (const section of element.querySelectorAll('[data-block]')) {
    const text = arrival[section.dataset.block];
    if (text) section.querySelector('pre').textContent = text;
    else section.remove();
  }
  for (const section of element.querySelectorAll('[data-list]')) {
    const name = section.dataset.list;
    const items = arrival[name] ?? [];
    section.querySelector('ul').append(...items.map((item) => filled(LISTS[name], item)));
    if (name === 'findings' && arrival.findings?.length === 0) section.append('None.');
    else if (items.length === 0) section.remove();
  }
  label(element);
  for (const button of element.querySelectorAll('[data-list="copies"] button')) {
    const name = button.previousElementSibling.textContent;
    button.setAttribute('aria-label', `Copy ${name}`);
    button.addEventListener('click', () => copy(button.nextElementSibling, name, announce));
  }
  return element;
}

/** What can be scrolled with the keyboard has a name. */
function label(element) {
  for (const block of element.querySelectorAll('pre')) {
    const name = block.closest('li')?.querySelector('summary') ?? block.closest('section').querySelector('h3');
    block.setAttribute('role', 'group');
    block.setAttribute('aria-label', name.textContent);
  }
}

async function copy(element, name, announce) {
  try {
    await navigator.clipboard.writeText(element.textContent);
    announce(`${name} is copied.`);
  } catch {
    // Without leave to use the clipboard, the person does it.
    getSelection().selectAllChildren(element);
    announce(`${name} is selected: copy it with the keyboard.`);
  }
}
