// The grid by keyboard: one cell takes part in tabbing, and the arrows move which.

function activeElement(view, { row, column } = view.active) {
  return view.element.querySelector(`[data-row="${row}"][data-column="${column}"]`);
}

function markActive(view) {
  for (const each of view.element.querySelectorAll('[tabindex="0"]')) each.tabIndex = -1;
  const element = activeElement(view) ?? view.body.querySelector("[data-row]");
  if (element) element.tabIndex = 0;
}

function listenForKeys(view) {
  view.element.addEventListener("keydown", (event) => {
    if (!event.target.closest("[data-row]") || event.altKey) return;
    const { row, column } = event.target.closest("[data-row]").dataset;
    view.active = { row: Number(row), column: Number(column) };
    if ((event.key === "Enter" || event.key === " ") && view.active.row >= 0) {
      event.preventDefault();
      openActive(view);
      return;
    }
    const next = step(view, event);
    if (!next) return;
    event.preventDefault();
    moveTo(view, next.row, next.column);
  });
}

function step(view, event) {
  const { row, column } = view.active;
  const page = Math.max(1, Math.floor(view.region.clientHeight / view.size.row) - 3);
  const last = view.items.length - 1;
  switch (event.key) {
    case "ArrowRight": return { row, column: column + 1 };
    case "ArrowLeft": return { row, column: column - 1 };
    case "ArrowDown": return { row: below(view, row), column };
    case "ArrowUp": return { row: above(view, row), column };
    case "PageDown": return { row: below(view, Math.min(last, row + page) - 1), column };
    case "PageUp": return { row: above(view, Math.max(2, row - page + 1)), column };
    case "Home": return { row: event.ctrlKey ? 1 : row, column: 0 };
    case "End": return { row: event.ctrlKey ? last : row, column: view.groups.length };
    default: return null;
  }
}

// Headings of scenarios are passed over; -1 is the row of the columns' headings.
function below(view, row) {
  const next = row + 1;
  return view.items[next] < 0 ? next + 1 : next;
}

function above(view, row) {
  const next = row - 1;
  if (next < 1) return -1;
  return view.items[next] < 0 ? next - 1 : next;
}

function moveTo(view, row, column) {
  const { size, region, items, groups, head } = view;
  const to = {
    row: Math.max(-1, Math.min(row, items.length - 1)),
    column: Math.max(row < 0 ? 1 : 0, Math.min(column, groups.length)),
  };
  if (to.row >= 0) {
    const top = to.row * size.row;
    const room = region.clientHeight - head.offsetHeight;
    if (top < region.scrollTop) region.scrollTop = top;
    else if (top + size.row > region.scrollTop + room) region.scrollTop = top + size.row - room;
  }
  if (to.column > 0) {
    const left = (to.column - 1) * size.cell;
    const room = region.clientWidth - size.first;
    if (left < region.scrollLeft) region.scrollLeft = left;
    else if (left + size.cell > region.scrollLeft + room) region.scrollLeft = left + size.cell - room;
  }
  view.active = to;
  draw(view);
  markActive(view);
  activeElement(view)?.focus({ preventScroll: true });
}

// Bring a cell into view that somebody linked to, under the headings of its columns.
function reveal(view, row, place) {
  const at = view.items.indexOf(row);
  if (at < 0) return;
  const column = 1 + view.groups.findIndex((group) => group.places.includes(place));
  view.region.scrollTop = Math.max(0, at - 2) * view.size.row;
  view.region.scrollLeft = Math.max(0, column - 2) * view.size.cell;
  view.active = { row: at, column };
  draw(view);
}
